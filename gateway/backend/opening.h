#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "gateway/backend/connecting.h"
#include "gateway/backend/pool.h"
#include "gateway/io/later.h"

namespace upgate::backend {

// One client's way to a connection: see Pool::Open.
class Pool::Opening final : public io::Pending, private Connecting::Owner, private io::Later {
 public:
  Opening(Pool& pool, OpenHandler& handler, Search& search, std::expected<Choice, Lack> first);

 private:
  void Try(Choice choice);
  const Server& server() const { return pool_.servers_[current_.server]; }
  void OnServerConnected(std::unique_ptr<io::ByteStream> stream) override;
  void OnServerFailed(const Error& error) override;
  std::string Greeting() override { return handler_.Greeting(); }
  void OnLater() override;

  Pool& pool_;
  OpenHandler& handler_;
  Search& search_;
  Choice current_;
  Lack lack_ = Lack::kNone;
  std::string reasons_;  // of each server that failed
  io::Instant started_{};
  std::uint64_t started_us_ = 0;
  Connecting connecting_;
};

}  // namespace upgate::backend
