#include "gateway/session/session_table.h"

#include <algorithm>
#include <utility>

namespace upgate::session {

class SessionTable::Walker final : public io::Later, public io::Deletable {
 public:
  Walker(SessionTable& table, Visit visit, std::function<void()> done)
      : table_(table),
        last_(table.sessions_.empty() ? 0 : table.sessions_.rbegin()->first),
        visit_(std::move(visit)),
        done_(std::move(done)) {}

  void OnLater() override {
    for (std::size_t i = 0; i < kSlice; ++i) {
      const auto it = table_.sessions_.lower_bound(next_);
      if (it == table_.sessions_.end() || it->first > last_) return Finish();
      next_ = it->first + 1;
      visit_(*it->second);
    }
    table_.turn_.Continue(*this);
  }

 private:
  void Finish() {
    const auto done = std::move(done_);
    const auto it = std::ranges::find(table_.walkers_, this, &std::unique_ptr<Walker>::get);
    table_.turn_.DeferDelete(std::move(*it));
    table_.walkers_.erase(it);
    done();
  }

  SessionTable& table_;
  std::uint64_t next_ = 0;
  const std::uint64_t last_;
  const Visit visit_;
  std::function<void()> done_;
};

SessionTable::SessionTable(io::Turn& turn) : turn_(turn) {}

SessionTable::~SessionTable() = default;

Session& SessionTable::Add(std::unique_ptr<Session> session) {
  const std::uint64_t id = session->facts().id;
  return *sessions_.emplace_hint(sessions_.end(), id, std::move(session))->second;
}

std::unique_ptr<Session> SessionTable::Take(std::uint64_t id) {
  auto node = sessions_.extract(id);
  return node ? std::move(node.mapped()) : nullptr;
}

Session* SessionTable::Find(std::uint64_t id) const {
  const auto it = sessions_.find(id);
  return it != sessions_.end() ? it->second.get() : nullptr;
}

void SessionTable::Walk(Visit visit, std::function<void()> done) {
  auto& walker =
      walkers_.emplace_back(std::make_unique<Walker>(*this, std::move(visit), std::move(done)));
  turn_.Continue(*walker);
}

}  // namespace upgate::session
