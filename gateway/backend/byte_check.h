#pragma once

#include <memory>
#include <string>

#include "gateway/backend/connecting.h"
#include "gateway/io/stream.h"

namespace upgate::backend {

// Connects to a server once, TLS included, sends it what the check says, and waits for what the
// check expects in what it sends. Runs on its loop's thread; starts at once.
class ByteCheck final : public io::Deletable,
                        private Connecting::Owner,
                        private io::StreamHandler,
                        private io::Timer::Owner {
 public:
  class Owner {
   public:
    // Called once, never from inside the constructor. The check may be destroyed after this call;
    // inside it, use Turn::DeferDelete.
    virtual void OnChecked(const Result<std::string>& outcome) = 0;

   protected:
    ~Owner() = default;
  };

  // What is borrowed outlives it; `tls` is nullptr where the server has none.
  ByteCheck(const config::HealthCheck& check, const config::Server& server,
            config::SendProxy send_proxy, std::shared_ptr<tls::ClientContext> tls, io::Loop loop,
            tls::Scratch& scratch, Owner& owner);
  ~ByteCheck() override;
  ByteCheck(const ByteCheck&) = delete;
  ByteCheck& operator=(const ByteCheck&) = delete;

 private:
  void OnServerConnected(std::unique_ptr<io::ByteStream> stream) override;
  void OnServerFailed(const Error& error) override;
  std::string Greeting() override { return OwnGreeting(send_proxy_); }
  void OnBytes(MutableBytes data) override;
  void OnEnd() override;
  void OnError(const Error& error) override;
  void OnWritable() override {}
  void OnTimer(io::Timer&) override;
  void Finish(const Result<std::string>& outcome);
  void ReleaseConnection();

  const config::HealthCheck& check_;
  const config::SendProxy send_proxy_;
  io::Loop loop_;
  Owner& owner_;
  std::string received_;  // as much as may hold what is expected
  io::Timer timer_;
  Connecting connecting_;
  std::unique_ptr<io::ByteStream> stream_;
};

}  // namespace upgate::backend
