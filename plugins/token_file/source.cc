#include "plugins/token_file/source.h"

#include <utility>

#include "gateway/base/text.h"

namespace upgate::plugins {

TokenSource::TokenSource(std::filesystem::path path, bool fold_case, TokenTable table,
                         FilesStamp stamp)
    : fold_case_(fold_case),
      table_(std::make_shared<const TokenTable>(std::move(table))),
      watch_("token file", std::move(path), std::move(stamp),
             [this](Log* log) { return Read(log); }) {}

std::shared_ptr<const TokenTable> TokenSource::table() const {
  const std::lock_guard lock(mutex_);
  return table_;
}

void TokenSource::Watch(Log& log) {
  if (watch_.Watch(log)) LogRead(log, *table());
}

std::expected<void, std::string> TokenSource::Read(Log* log) {
  auto read = TokenTable::Read(watch_.path(), fold_case_);
  if (!read) return std::unexpected(std::move(read.error()));
  auto table = std::make_shared<const TokenTable>(std::move(*read));
  if (log != nullptr) LogRead(*log, *table);
  const std::lock_guard lock(mutex_);
  table_ = std::move(table);
  return {};
}

void TokenSource::LogRead(Log& log, const TokenTable& table) const {
  log.Info("token file read", {{"file", watch_.path().string()}, {"tokens", table.size()}});
  if (table.faults() == 0) return;
  log.Warn("token file has lines that are not 'token: host:port'",
           {{"lines", table.faults()}, {"first", Join(table.fault_places(), " ")}});
}

}  // namespace upgate::plugins
