#include "plugins/token_file/source.h"

#include <signal.h>

#include <chrono>
#include <utility>

#include "gateway/base/text.h"

namespace upgate::plugins {

TokenSource::TokenSource(std::filesystem::path path, bool fold_case, TokenTable table,
                         TokenFilesStamp stamp)
    : path_(std::move(path)),
      fold_case_(fold_case),
      table_(std::make_shared<const TokenTable>(std::move(table))),
      stamp_(std::move(stamp)) {}

TokenSource::~TokenSource() = default;

std::shared_ptr<const TokenTable> TokenSource::table() const {
  const std::lock_guard lock(mutex_);
  return table_;
}

void TokenSource::Watch(Log& log) {
  const std::lock_guard lock(mutex_);
  if (std::exchange(watching_, true)) return;
  LogRead(log, *table_);
  // Signals are for the main thread.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::jthread([this, &log](const std::stop_token& stop) { Run(stop, log); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void TokenSource::Run(const std::stop_token& stop, Log& log) {
  constexpr auto kInterval = std::chrono::seconds(1);
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, stop, kInterval, [] { return false; });
    }
    if (!stop.stop_requested()) Refresh(log);
  }
}

bool TokenSource::Refresh(Log& log) {
  TokenFilesStamp now = StampOf(path_);
  if (now.text == stamp_.text && !stamp_.fresh) return false;
  const bool changed = now.text != stamp_.text;
  stamp_ = std::move(now);
  auto read = TokenTable::Read(path_, fold_case_);
  if (!read) {
    if (failure_ != read.error())
      log.Warn("token file failed", {{"file", path_.string()}, {"why", read.error()}});
    failure_ = read.error();
    return false;
  }
  failure_.clear();
  auto table = std::make_shared<const TokenTable>(std::move(*read));
  if (changed) LogRead(log, *table);
  const std::lock_guard lock(mutex_);
  table_ = std::move(table);
  return true;
}

void TokenSource::LogRead(Log& log, const TokenTable& table) const {
  log.Info("token file read", {{"file", path_.string()}, {"tokens", table.size()}});
  if (table.faults() == 0) return;
  log.Warn("token file has lines that are not 'token: host:port'",
           {{"lines", table.faults()}, {"first", Join(table.fault_places(), " ")}});
}

}  // namespace upgate::plugins
