#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/config.h"
#include "gateway/http/field_changes.h"
#include "gateway/http/message.h"
#include "gateway/io/stream.h"
#include "gateway/plugin/auth.h"
#include "gateway/plugin/path_captures.h"
#include "gateway/route/origin.h"

namespace upgate::upgrade {

// What a server gets instead of what the client sent.
struct Rewritten {
  std::string target;  // path and query; empty: as they came
  std::string host;    // empty: as the route's preserve_host says
  http::FieldChanges fields;
};

// What the variables of a route stand for, for one request. Borrowed.
struct VariableSource {
  const http::Request& request;
  const route::SeenAs& seen;
  const SocketAddress& peer;
  const io::TlsInfo* tls = nullptr;
  std::uint64_t session = 0;                   // 0: none
  const plugin::Identity* identity = nullptr;  // nullptr: nobody
};

// The changes that a route makes to requests and responses, compiled. Immutable and thread-safe.
class Rewriter {
 public:
  // nullptr for a route that changes nothing. The route must outlive it.
  static std::shared_ptr<const Rewriter> For(const config::Route& route);
  explicit Rewriter(const config::Route& route);

  // What goes to a server. The error is the reason for a 400: the new path could leave the folder
  // that rewrite_path names, if a server interpreted it in another way.
  std::expected<Rewritten, std::string_view> ToServer(const VariableSource& source) const;
  http::FieldChanges ToClient(const VariableSource& source) const;

  bool changes_requests() const { return route_.rewriting.changes_requests(); }
  // True if a value has the number of the session in it.
  bool uses_session() const { return uses_session_; }

 private:
  using Captures = std::vector<std::string_view>;

  Captures CapturesOf(const http::Request& request) const;
  std::string Expand(const config::Template& text, const VariableSource& source,
                     const Captures& captures) const;
  http::FieldChanges Expand(const config::HeaderChanges& changes,
                            const VariableSource& source) const;
  std::expected<std::string, std::string_view> PathFor(const http::Target& target) const;
  std::string QueryFor(const VariableSource& source) const;

  const config::Route& route_;
  std::unique_ptr<const plugin::PathCaptures> path_captures_;  // where variables use them
  std::unique_ptr<const plugin::PathCaptures> path_rewrite_;   // the expression of rewrite_path
  bool uses_session_ = false;
};

}  // namespace upgate::upgrade
