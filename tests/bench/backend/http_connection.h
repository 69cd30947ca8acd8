#pragma once

#include <string>
#include <string_view>

#include "tests/bench/backend/connection.h"

namespace upgate::bench {

// HTTP/1.1 with keep-alive: answers GET /N with N bytes. Requests must have no body.
class HttpConnection final : public Connection {
 public:
  using Connection::Connection;

 private:
  void OnBytes(MutableBytes bytes) override;
  void Answer(std::string_view head);

  std::string input_;
};

}  // namespace upgate::bench
