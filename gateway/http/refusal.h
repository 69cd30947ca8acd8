#pragma once

#include <expected>
#include <string>
#include <utility>

namespace upgate::http {

// Why the connection itself rejects a request: the status and the text of the response.
struct Refusal {
  int status = 400;
  std::string reason;
  int retry_after = 0;  // seconds; 0: no Retry-After
};

inline std::unexpected<Refusal> Refuse(int status, std::string reason) {
  return std::unexpected(Refusal{status, std::move(reason)});
}

}  // namespace upgate::http
