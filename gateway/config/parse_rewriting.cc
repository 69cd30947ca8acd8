#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "gateway/config/host_syntax.h"
#include "gateway/config/sections.h"
#include "gateway/config/template_syntax.h"

namespace upgate::config {
namespace {

using Variable = Template::Variable;

// Fields that frame a message, belong to one connection, or make up a handshake.
constexpr std::array<std::string_view, 12> kOwn{"connection",
                                                "content-length",
                                                "expect",
                                                "http2-settings",
                                                "keep-alive",
                                                "proxy-authenticate",
                                                "proxy-authorization",
                                                "proxy-connection",
                                                "te",
                                                "trailer",
                                                "transfer-encoding",
                                                "upgrade"};
constexpr std::array<std::string_view, 2> kOwnFamilies{"sec-websocket-", "websocket-"};

// As servers fold names that they pass to programs; see http::EqualsAsVariable.
std::string Folded(std::string_view name) {
  std::string folded = ToLower(name);
  std::ranges::replace_if(folded, [](char c) { return !IsAlpha(c) && !IsDigit(c); }, '-');
  return folded;
}

std::string FaultOfName(const std::string& name) {
  if (!Syntax<Token>::Read(name)) return "is not the name of a header";
  const std::string folded = Folded(name);
  if (folded == "host") return "cannot be changed here; use rewrite_host";
  const bool own =
      std::ranges::find(kOwn, folded) != kOwn.end() ||
      std::ranges::any_of(kOwnFamilies, [&](auto family) { return folded.starts_with(family); });
  return own ? "cannot be changed: the gateway writes it itself, for each connection" : "";
}

// Reports captures that the expression does not have. `of`: what the expression is called; empty:
// there is none.
void RejectUnknownCaptures(const Field& field, const Template& text, std::string_view of,
                           std::size_t groups) {
  for (const Template::Part& part : text.parts) {
    if (part.variable != Variable::kCapture || part.capture <= groups) continue;
    const std::string name = fmt::format("has {{capture.{}}}", part.capture);
    if (of.empty()) {
      field.Refuse({name + ", but the path of this route is no regular expression",
                    "write a path such as ~^/v([0-9]+)/"},
                   "");
    } else {
      field.Refuse(
          {fmt::format("{}, but {} has {} group{}", name, of, groups, groups == 1 ? "" : "s"),
           "parentheses make groups"},
          "");
    }
    return;
  }
}

void RejectUnknownCaptures(const Field& field, const Template& text, const PathPattern& path) {
  const bool regex = path.kind == PathPattern::Kind::kRegex;
  if (path.written.empty()) return;  // was already reported
  RejectUnknownCaptures(field, text, regex ? "the path of this route" : "", path.captures);
}

template <class FaultOf>
std::vector<NamedTemplate> ParseValues(const Field& field, const PathPattern& path,
                                       FaultOf&& fault_of) {
  std::vector<NamedTemplate> values;
  std::set<std::string> seen;
  for (const Field::Member& member : field.Members()) {
    const std::string fault = fault_of(member.name);
    if (!fault.empty()) {
      member.field.ErrorAt(member.mark, fault);
    } else if (!seen.insert(Folded(member.name)).second) {
      member.field.ErrorAt(member.mark, "is listed twice");
    }
    auto text = member.field.Maybe<Template>();
    if (!text) continue;
    if (text->parts.empty()) member.field.Refuse({"is empty", "to remove it, use remove"}, "");
    RejectUnknownCaptures(member.field, *text, path);
    values.push_back({member.name, std::move(*text)});
  }
  return values;
}

HeaderChanges ParseHeaderChanges(Field field, const PathPattern& path, bool cors) {
  HeaderChanges changes;
  if (!field.present()) return changes;
  const auto fault_of = [&](const std::string& name) {
    std::string fault = FaultOfName(name);
    if (fault.empty() && cors && Folded(name).starts_with("access-control-"))
      fault = "cannot be changed: the cors block of this route sets it";
    return fault;
  };
  changes.set = ParseValues(field["set"], path, fault_of);
  changes.add = ParseValues(field["add"], path, fault_of);
  for (const Field& item : field["remove"].Items()) {
    const auto name = item.Maybe<std::string>();
    if (!name) continue;
    if (const std::string fault = fault_of(*name); !fault.empty()) item.Refuse({fault}, "");
    changes.remove.push_back(*name);
  }
  field.RejectUnknownKeys();
  return changes;
}

QueryChanges ParseQueryChanges(Field field, const PathPattern& path) {
  QueryChanges changes;
  if (!field.present()) return changes;
  const auto fault_of = [](const std::string& name) {
    return std::string(name.empty() ? "is not the name of a parameter" : "");
  };
  changes.set = ParseValues(field["set"], path, fault_of);
  for (const Field& item : field["remove"].Items()) {
    if (auto name = item.Maybe<std::string>()) changes.remove.push_back(std::move(*name));
  }
  field.RejectUnknownKeys();
  return changes;
}

// True if some path of the route can begin with `prefix`.
bool CanBegin(const PathPattern& path, std::string_view prefix) {
  const std::string& text = path.kind == PathPattern::Kind::kRegex ? path.literal : path.text;
  if (path.kind == PathPattern::Kind::kRegex && text.size() <= prefix.size())
    return prefix.starts_with(text);
  return text.starts_with(prefix) && (text.size() == prefix.size() || text[prefix.size()] == '/');
}

std::string ParseStripPrefix(const Field& field, const PathPattern& path) {
  const auto pattern = field.Maybe<PathPattern>();
  if (!pattern) return {};
  if (pattern->kind == PathPattern::Kind::kRegex) {
    field.Refuse({"is a regular expression", "use rewrite_path"}, "");
    return {};
  }
  if (pattern->kind == PathPattern::Kind::kPrefix || pattern->text.ends_with('/')) {
    std::string_view text = pattern->text;
    while (text.ends_with('/')) text.remove_suffix(1);
    field.Refuse({"does not end with the name of a folder",
                  text.empty() ? "remove it: there is nothing to strip"
                               : fmt::format("write {}", Excerpt(text))},
                 "");
    return {};
  }
  if (!path.written.empty() && !CanBegin(path, pattern->text)) {
    field.Refuse({fmt::format("begins no path of this route, which has {}", Excerpt(path.written))},
                 "");
  }
  return pattern->text;
}

// The error in the fixed text of a new path.
std::optional<Refusal> FaultOfPathText(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '?') return Refusal{"has a query", "use rewrite_query"};
    if (c == '%') {
      const auto is_hex = [&](std::size_t at) {
        return at < text.size() &&
               (IsDigit(text[at]) || (ToLower(text[at]) >= 'a' && ToLower(text[at]) <= 'f'));
      };
      if (!is_hex(i + 1) || !is_hex(i + 2))
        return Refusal{"has a '%' without two hexadecimal digits", "a percent sign is written %25"};
    } else if (!IsAlpha(c) && !IsDigit(c) && !std::string_view("-._~/!$&'()*+,;=:@").contains(c)) {
      return Refusal{"has a character that is not allowed in a path", "percent-encode it"};
    }
  }
  const std::string padded = "/" + std::string(text) + "/";
  if (padded.contains("/../") || padded.contains("/./"))
    return Refusal{"has a segment '.' or '..'", "write the path without it"};
  if (text.contains("//")) return Refusal{"has two slashes in a row", "write one"};
  return {};
}

void CheckNewPath(const Field& field, const Template& to, bool from_beginning) {
  for (const Template::Part& part : to.parts) {
    if (part.variable == Variable::kNone) {
      if (const auto fault = FaultOfPathText(part.text)) return field.Refuse(*fault, "");
    } else if (part.variable != Variable::kCapture) {
      return field.Refuse({"has a variable that is no part of the path", "use {capture.1}"}, "");
    }
  }
  const bool begins = !to.parts.empty() && to.parts.front().variable == Variable::kNone &&
                      to.parts.front().text.starts_with('/');
  if (from_beginning && !begins)
    field.Refuse({"does not begin with '/'", fmt::format("write /{}", Excerpt(to.written))}, "");
}

std::optional<PathRewrite> ParsePathRewrite(Field field, const PathPattern& path,
                                            RegexBudget& regexes) {
  if (!field.present()) return {};
  const Field regex = field["regex"];
  const Field to = field["to"];
  const bool own = regex.present();
  const bool path_is_regex = path.kind == PathPattern::Kind::kRegex;
  if (!own && !path_is_regex && !path.written.empty() && field.value().kind == Value::Kind::kMap) {
    regex.Error(
        "missing; needs a regular expression such as ^/old/, because the path of this route is "
        "none");
  }
  const auto expression = own ? regexes.Read<Regex>(regex, true) : std::nullopt;
  const auto text = to.Required<Template>();
  field.RejectUnknownKeys();
  if (!field.sound() || (own && !expression)) return {};
  if (own) {
    RejectUnknownCaptures(to, text, "regex", expression->captures);
  } else {
    RejectUnknownCaptures(to, text, path);
  }
  CheckNewPath(to, text, (own ? expression->text : path.text).starts_with('^'));
  return PathRewrite{own ? std::optional(expression->text) : std::nullopt, text};
}

ClientCertHeaders ParseClientCertHeaders(const Field& field) {
  ClientCertHeaders headers;
  for (const Field& item : field.Items()) {
    const auto name = item.Maybe<std::string>();
    if (!name) continue;
    bool& wanted = *name == "client-cert" ? headers.client_cert : headers.x_ssl_client;
    if (*name != "client-cert" && *name != "x-ssl-client") {
      item.Refuse({"is not a form that a certificate is sent in",
                   "use client-cert (RFC 9440) or x-ssl-client"},
                  "");
    } else if (std::exchange(wanted, true)) {
      item.Refuse({"is listed twice"}, "");
    }
  }
  return headers;
}

std::optional<std::string> ParseHostForServer(const Field& field) {
  auto written = field.Maybe<std::string>();
  if (!written) return {};
  if (const auto read = ReadHostPort(*written, 0); !read) {
    field.Refuse(read.error(), "");
    return {};
  }
  return written;
}

}  // namespace

Rewriting ParseRewriting(Field& route, const PathPattern& path, bool cors, RegexBudget& regexes) {
  Rewriting rewriting;
  rewriting.strip_prefix = ParseStripPrefix(route["strip_prefix"], path);
  rewriting.path = ParsePathRewrite(route["rewrite_path"], path, regexes);
  if (route["strip_prefix"].present() && route["rewrite_path"].present()) {
    route["strip_prefix"].Error(
        "a route has either strip_prefix or rewrite_path; remove one of them");
  }
  const Field host = route["rewrite_host"];
  rewriting.host = ParseHostForServer(host);
  if (host.present() && route["preserve_host"].present())
    host.Error("sets the Host in any case; remove preserve_host");
  rewriting.query = ParseQueryChanges(route["rewrite_query"], path);
  rewriting.request_headers = ParseHeaderChanges(route["request_headers"], path, false);
  rewriting.client_cert_headers = ParseClientCertHeaders(route["client_cert_headers"]);
  rewriting.response_headers = ParseHeaderChanges(route["response_headers"], path, cors);
  return rewriting;
}

std::vector<std::string> ParseUpgrades(const Field& field) {
  constexpr std::array<std::string_view, 5> kNever{"h2c", "h2", "websocket", "http", "tls"};
  std::vector<std::string> protocols;
  for (const Field& item : field.Items()) {
    const auto written = item.Maybe<std::string>();
    if (!written) continue;
    std::string protocol = ToLower(*written);
    const std::size_t slash = protocol.find('/');
    const std::string name = protocol.substr(0, slash);
    const bool token =
        Syntax<Token>::Read(name) &&
        (slash == std::string::npos || Syntax<Token>::Read(protocol.substr(slash + 1)));
    if (!token) {
      item.Refuse({"is not the name of a protocol", "write it as in the Upgrade header"}, "");
    } else if (name == "websocket") {
      item.Refuse({"needs no entry: WebSockets are always relayed", "remove it"}, "");
    } else if (std::ranges::find(kNever, name) != kNever.end()) {
      item.Refuse({"is never passed on: requests inside it would bypass all routes", "remove it"},
                  "");
    } else if (std::ranges::find(protocols, protocol) != protocols.end()) {
      item.Refuse({"is listed twice"}, "");
    }
    protocols.push_back(std::move(protocol));
  }
  return protocols;
}

}  // namespace upgate::config
