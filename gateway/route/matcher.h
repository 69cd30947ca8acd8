#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/config.h"
#include "gateway/http/message.h"
#include "gateway/io/stream.h"
#include "gateway/route/origin.h"

namespace upgate::route {

// What a route's `match` is compared with, in addition to host and path. Borrowed.
struct Facts {
  const http::Request& request;
  const SeenAs& seen;
  const config::Listener& listener;  // that the request came by
  const io::TlsInfo* tls = nullptr;  // of the client's connection; nullptr: without TLS
};

// The `match` of a route, compiled. Immutable and thread-safe.
//
// Headers are compared as the gateway passes them on: what only a trusted proxy may say
// (http::IsProxyField) and what Connection names is not there. Several fields of one name are
// compared as the list that they form (RFC 9110, section 5.3). The client's address is the one that
// trusted proxies report.
//
// A CORS preflight stands for the request that it announces: its method is that of
// Access-Control-Request-Method. Where the route answers preflights itself (`cors`), a header that
// Access-Control-Request-Headers names has whatever value is required.
class Matcher {
 public:
  enum class Verdict : std::uint8_t {
    kMatches,
    kOtherMethod,  // everything else holds
    kNot,
  };

  // The route must outlive the matcher. The parser has already compiled the regular expressions.
  explicit Matcher(const config::Route& route);
  ~Matcher();
  Matcher(const Matcher&) = delete;
  Matcher& operator=(const Matcher&) = delete;

  Verdict Check(const Facts& facts) const;

  // Every condition, and whether it holds; for explanations.
  struct Condition {
    std::string text;  // "the header X-Version is v2"
    bool holds = false;
  };
  std::vector<Condition> Explain(const Facts& facts) const;

 private:
  struct Test;
  bool HasMethod(const http::Request& request) const;
  bool HasHeader(const Facts& facts, const Test& test) const;
  template <class Visit>
  void Walk(const Facts& facts, Visit&& visit) const;

  const config::Route& route_;
  std::vector<Test> headers_;
  std::vector<Test> query_;
  std::vector<Test> cookies_;
};

}  // namespace upgate::route
