#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace upgate::plugins {

// A password to be hashed and compared. Shared by the worker and by who waits for it.
struct HashJob {
  std::string password;  // wiped once it is hashed
  std::string hash;
  // Called on the worker's thread, unless nobody waits any more.
  std::move_only_function<void(bool is_right)> done;
  std::atomic<bool> wanted = true;
};

// Hashes passwords by crypt(3), one after the other, on a thread of its own: a hash takes longer
// than a loop may stand still. Thread-safe.
class HashWorker {
 public:
  static constexpr std::size_t kMostWaiting = 64;

  ~HashWorker();
  // False if too many wait already.
  bool Add(std::shared_ptr<HashJob> job);

 private:
  void Run(const std::stop_token& stop);

  std::mutex mutex_;  // of what follows
  std::condition_variable_any wake_;
  std::deque<std::shared_ptr<HashJob>> waiting_;
  std::jthread thread_;  // begins with the first job; last: it uses the rest
};

}  // namespace upgate::plugins
