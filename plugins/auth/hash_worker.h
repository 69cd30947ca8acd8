#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "plugins/auth/failure_limit.h"

namespace upgate::plugins {

// A password to be hashed and compared. Shared by the worker and by who waits for it.
struct HashJob {
  enum class Verdict : std::uint8_t {
    kRight,
    kWrong,
    kTooMany,  // not hashed: the client has failed too often
  };

  std::string password;  // wiped once it is hashed
  std::string hash;
  bool known = false;  // false: the hash is that of another user, and nothing is right
  std::string client;
  io::Instant asked{};
  // Called on the worker's thread, unless nobody waits any more.
  std::move_only_function<void(Verdict)> done;
  std::atomic<bool> wanted = true;
};

// Hashes and compares on this thread, which may take a second.
bool IsRightPassword(const std::string& password, const std::string& hash);

// Hashes passwords by crypt(3), one after the other, on a thread of its own: a hash takes longer
// than a loop may stand still. Counts the failures itself, also of clients that have gone away
// meanwhile, so that those whose passwords wait together have no more tries than others.
// Thread-safe.
class HashWorker {
 public:
  static constexpr std::size_t kMostWaiting = 64;

  // `failures` outlives the worker.
  explicit HashWorker(FailureLimit& failures) : failures_(failures) {}
  ~HashWorker();
  // False if too many wait already.
  bool Add(std::shared_ptr<HashJob> job);

 private:
  void Run(const std::stop_token& stop);

  FailureLimit& failures_;
  std::mutex mutex_;  // of what follows
  std::condition_variable_any wake_;
  std::deque<std::shared_ptr<HashJob>> waiting_;
  std::jthread thread_;  // begins with the first job; last: it uses the rest
};

}  // namespace upgate::plugins
