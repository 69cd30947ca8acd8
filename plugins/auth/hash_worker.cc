#include "plugins/auth/hash_worker.h"

#include <crypt.h>

#include <memory>
#include <utility>

#include "gateway/base/side_thread.h"
#include "gateway/plugin/credentials.h"

namespace upgate::plugins {
namespace {

using Verdict = HashJob::Verdict;

bool IsRight(const std::string& password, const std::string& hash, crypt_data& scratch) {
  const char* made = crypt_r(password.c_str(), hash.c_str(), &scratch);
  return made != nullptr && tls::AreEqualSecrets(made, hash);
}

Verdict Try(const HashJob& job, FailureLimit& failures, crypt_data& scratch) {
  if (failures.IsReached(job.client, job.asked)) return Verdict::kTooMany;
  if (IsRight(job.password, job.hash, scratch) && job.known) return Verdict::kRight;
  failures.Count(job.client, job.asked);
  return Verdict::kWrong;
}

}  // namespace

bool IsRightPassword(const std::string& password, const std::string& hash) {
  return IsRight(password, hash, *std::make_unique<crypt_data>());
}

HashWorker::~HashWorker() = default;

bool HashWorker::Add(std::shared_ptr<HashJob> job) {
  const std::lock_guard lock(mutex_);
  if (waiting_.size() >= kMostWaiting) return false;
  waiting_.push_back(std::move(job));
  if (!thread_.joinable()) {
    thread_ = std::jthread([this](const std::stop_token& stop) {
      BeginSideThread();
      Run(stop);
    });
  }
  wake_.notify_one();
  return true;
}

void HashWorker::Run(const std::stop_token& stop) {
  const auto scratch = std::make_unique<crypt_data>();
  while (true) {
    std::shared_ptr<HashJob> job;
    {
      std::unique_lock lock(mutex_);
      if (!wake_.wait(lock, stop, [this] { return !waiting_.empty(); })) return;
      if (stop.stop_requested()) return;
      job = std::move(waiting_.front());
      waiting_.pop_front();
    }
    const Verdict verdict = job->wanted ? Try(*job, failures_, *scratch) : Verdict::kWrong;
    tls::Wipe(job->password);
    if (job->wanted) job->done(verdict);
  }
}

}  // namespace upgate::plugins
