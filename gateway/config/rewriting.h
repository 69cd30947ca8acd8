#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace upgate::config {

// A text with variables: "{client}, {capture.1}". "{{" stands for a brace.
struct Template {
  enum class Variable : std::uint8_t {
    kNone,        // the part is its text
    kClient,      // the client's address, as trusted proxies report it
    kClientPort,  // empty behind a trusted proxy
    kHost,        // without a port
    kPath,        // as the client sent it, percent-encoded, without the query
    kRoute,       // the name of the route
    kSession,     // the number of the session; empty for a request that opens none
    kUser,        // empty: nobody is authenticated
    kClaim,       // {claim.NAME}: of the user's token; the part's text is the name
    kServerName,  // {tls.sni}
    kCapture,     // {capture.1}: a group of the path's regular expression, percent-encoded
  };
  struct Part {
    Variable variable = Variable::kNone;
    std::string text = {};
    std::size_t capture = 0;  // counted from 1
  };
  std::vector<Part> parts;
  std::string written;  // as in the file
};

// A header field or a parameter of the query, and its value.
struct NamedTemplate {
  std::string name;
  Template value;
};

// Applied in this order: `remove`, `set` (which replaces all of that name), `add`.
struct HeaderChanges {
  std::vector<NamedTemplate> set;
  std::vector<NamedTemplate> add;
  std::vector<std::string> remove;
  bool empty() const { return set.empty() && add.empty() && remove.empty(); }
};

struct QueryChanges {
  std::vector<NamedTemplate> set;
  std::vector<std::string> remove;
  bool empty() const { return set.empty() && remove.empty(); }
};

// Replaces what a regular expression matches of the path.
struct PathRewrite {
  std::optional<std::string> regex;  // RE2; nullopt: that of the route's path
  Template to;                       // with captures of that expression only
};

// In which fields a server gets the client's verified certificate.
struct ClientCertHeaders {
  bool client_cert = false;   // Client-Cert (RFC 9440)
  bool x_ssl_client = false;  // X-SSL-Client-Verify and so on
  bool empty() const { return !client_cert && !x_ssl_client; }
};

// What a route changes of a request on its way to an HTTP or WebSocket server, and of the response.
struct Rewriting {
  std::string strip_prefix;         // removed from the beginning of the path; empty: nothing
  std::optional<PathRewrite> path;  // not together with strip_prefix
  std::optional<std::string> host;  // the Host for the server, with an optional port
  QueryChanges query;
  HeaderChanges request_headers;
  HeaderChanges response_headers;
  ClientCertHeaders client_cert_headers;
  bool changes_requests() const {
    return !strip_prefix.empty() || path || host || !query.empty() || !request_headers.empty() ||
           !client_cert_headers.empty();
  }
  bool empty() const { return !changes_requests() && response_headers.empty(); }
};

// A part of the clients of a route, by weight.
struct Share {
  std::string backend;
  std::uint32_t weight = 1;
};

}  // namespace upgate::config
