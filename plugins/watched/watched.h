#pragma once

#include <expected>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "plugins/watched/change_watch.h"

namespace upgate::plugins {

// What a file has, read again when it changes; see ChangeWatch. `Content` has
//   static std::expected<Content, std::string> Read(const std::filesystem::path&);
//   void Tell(Log&, const std::filesystem::path&) const;  // what was read, without secrets
// Thread-safe.
template <class Content>
class Watched {
 public:
  // `content` was read from `path`; `stamp` was taken before that.
  Watched(std::string what, std::filesystem::path path, Content content, FilesStamp stamp)
      : content_(std::make_shared<const Content>(std::move(content))),
        watch_(std::move(what), std::move(path), std::move(stamp),
               [this](Log* log) { return Read(log); }) {}

  // The newest that could be read. A file that is gone or cannot be read any more changes nothing.
  std::shared_ptr<const Content> Get() const {
    const std::lock_guard lock(mutex_);
    return content_;
  }
  void Watch(Log& log) {
    if (watch_.Watch(log)) Get()->Tell(log, watch_.path());
  }
  bool Refresh(Log& log) { return watch_.Refresh(log); }

 private:
  std::expected<void, std::string> Read(Log* log) {
    auto read = Content::Read(watch_.path());
    if (!read) return std::unexpected(std::move(read.error()));
    auto content = std::make_shared<const Content>(std::move(*read));
    if (log != nullptr) content->Tell(*log, watch_.path());
    const std::lock_guard lock(mutex_);
    content_ = std::move(content);
    return {};
  }

  mutable std::mutex mutex_;
  std::shared_ptr<const Content> content_;
  ChangeWatch watch_;  // last: its thread uses the rest
};

}  // namespace upgate::plugins
