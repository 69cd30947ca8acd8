#pragma once

#include <expected>
#include <string>
#include <utility>

namespace upgate::http {

// Why the connection itself turns a request down: the status of the answer and the line of its
// body.
struct Refusal {
  int status = 400;
  std::string reason;
  int retry_after = 0;  // seconds; 0: nothing is said of that
};

inline std::unexpected<Refusal> Refuse(int status, std::string reason) {
  return std::unexpected(Refusal{status, std::move(reason)});
}

}  // namespace upgate::http
