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

// The open sessions of one loop, by id; owns them. On the loop's thread.
class SessionTable {
 public:
  explicit SessionTable(io::Turn& turn);
  ~SessionTable();

  // The id must be larger than that of every session added before.
  Session& Add(std::unique_ptr<Session> session);
  // Take and Find return nullptr if there is no such session.
  std::unique_ptr<Session> Take(std::uint64_t id);
  Session* Find(std::uint64_t id) const;

  std::size_t size() const { return sessions_.size(); }
  bool empty() const { return sessions_.empty(); }

  // Visits every session that is open now and still is when its turn comes, in the order of ids:
  // kSlice sessions per turn of the loop, so that any number of sessions does not block it. Then
  // calls `done`. Nothing is called from inside Walk. A visit may end sessions. Destroying the
  // table cancels unfinished walks; their `done` is not called.
  static constexpr std::size_t kSlice = 128;
  using Visit = std::function<void(Session&)>;
  void Walk(Visit visit, std::function<void()> done);

  // Removes and returns all sessions.
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
