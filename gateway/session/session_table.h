#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <utility>

#include "gateway/io/later.h"
#include "gateway/io/network.h"
#include "gateway/session/session.h"

namespace upgate::session {

// The open sessions of one loop, by their id. On the loop's thread.
class SessionTable {
 public:
  explicit SessionTable(io::Turn& turn);
  ~SessionTable();

  // Ids grow: each new session has a larger one than all before it.
  Session& Add(std::unique_ptr<Session> session);
  // nullptr when it is not there.
  std::unique_ptr<Session> Take(std::uint64_t id);
  Session* Find(std::uint64_t id) const;

  std::size_t size() const { return sessions_.size(); }
  bool empty() const { return sessions_.empty(); }

  // Visits every session that is open now and still is when its turn comes, in the order of their
  // ids: kSlice of them in a turn of the loop, so that any number of sessions holds nobody up. Then
  // calls `done`. Nothing is called from inside Walk. A visit may end sessions. Walks that are not
  // over when the table goes are forgotten.
  static constexpr std::size_t kSlice = 128;
  using Visit = std::function<void(Session&)>;
  void Walk(Visit visit, std::function<void()> done);

  // Takes all of them out.
  std::map<std::uint64_t, std::unique_ptr<Session>> TakeAll() {
    return std::exchange(sessions_, {});
  }

 private:
  class Walker;

  io::Turn& turn_;
  std::map<std::uint64_t, std::unique_ptr<Session>> sessions_;
  std::list<std::unique_ptr<Walker>> walkers_;
};

}  // namespace upgate::session
