#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "gateway/app/server.h"
#include "tests/support/capture_log.h"
#include "tests/support/temp_folder.h"

namespace upgate::conformance {

// The real gateway with real loopback sockets, on a thread of this process until it is destroyed.
class RunningGateway {
 public:
  // `yaml` must have no listeners: the gateway gets one with TLS, one without, and one that is a
  // unix socket. Throws with all configuration errors.
  explicit RunningGateway(std::string_view yaml);
  ~RunningGateway();

  std::uint16_t port(bool secure) const { return secure ? tls_port_ : port_; }
  std::string unix_socket() const { return folder_.At("gateway.sock"); }
  const test::CaptureLog& log() const { return log_; }

 private:
  test::TempFolder folder_;
  test::CaptureLog log_{LogLevel::kWarn};
  plugin::Registry plugins_;
  std::unique_ptr<app::Server> server_;
  std::uint16_t port_ = 0;
  std::uint16_t tls_port_ = 0;
  std::thread thread_;
};

}  // namespace upgate::conformance
