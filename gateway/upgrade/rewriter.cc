#include "gateway/upgrade/rewriter.h"

#include <algorithm>
#include <utility>

#include "gateway/base/text.h"
#include "gateway/http/body_writer.h"
#include "gateway/http/target.h"
#include "gateway/route/matcher.h"
#include "gateway/route/readings.h"
#include "gateway/upgrade/certificate_fields.h"

namespace upgate::upgrade {
namespace {

using Variable = config::Template::Variable;

constexpr std::string_view kLeavesFolder = "this path would leave the folder that it leads to";

bool Uses(const config::Template& text, Variable variable) {
  return std::ranges::any_of(text.parts,
                             [&](const auto& part) { return part.variable == variable; });
}

bool Uses(const std::vector<config::NamedTemplate>& values, Variable variable) {
  return std::ranges::any_of(values, [&](const auto& one) { return Uses(one.value, variable); });
}

bool Uses(const config::Rewriting& rewriting, Variable variable) {
  const auto in = [&](const config::HeaderChanges& changes) {
    return Uses(changes.set, variable) || Uses(changes.add, variable);
  };
  return in(rewriting.request_headers) || in(rewriting.response_headers) ||
         Uses(rewriting.query.set, variable);
}

// The client's port is known only where no proxy is between.
std::string PortOf(const VariableSource& source) {
  const auto* peer = std::get_if<IpPort>(&source.peer);
  if (peer == nullptr || source.seen.client != ToString(source.peer)) return {};
  return std::to_string(peer->port);
}

std::string_view ClaimOf(const plugin::Identity* identity, const std::string& name) {
  if (identity == nullptr) return {};
  const auto claim = identity->claims.find(name);
  return claim != identity->claims.end() ? std::string_view(claim->second) : std::string_view();
}

std::string_view PathOf(const http::Target& target) {
  return target.raw_path;
}

std::string QueryEncoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (IsAlpha(c) || IsDigit(c) || std::string_view("-._~/:,@").contains(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out.append({'%', kDigits[byte >> 4], kDigits[byte & 0xf]});
  }
  return out;
}

// Appends a piece of a path. Where two pieces meet there is one slash, and a path never begins with
// two: "//other.example/" would name another host.
void AppendPath(std::string& path, std::string_view piece) {
  if (path.empty() || path.ends_with('/')) {
    const std::size_t slashes = std::min(piece.find_first_not_of('/'), piece.size());
    if (slashes > 0) piece.remove_prefix(path.empty() ? slashes - 1 : slashes);
  }
  path += piece;
}

// The rest of the encoded path behind a prefix of the decoded one; both have the same segments.
std::string WithoutPrefix(const http::Target& target, const std::string& prefix) {
  const bool within = target.path.starts_with(prefix) &&
                      (target.path.size() == prefix.size() || target.path[prefix.size()] == '/');
  if (!within) return target.raw_path;
  std::string_view raw = target.raw_path;
  for (auto segments = std::ranges::count(prefix, '/'); segments > 0; --segments)
    raw.remove_prefix(std::min(raw.find('/', 1), raw.size()));
  std::string path;
  AppendPath(path, raw);
  return path.empty() ? "/" : path;
}

// The folder that a new path stays in, whatever its captures are.
std::string_view FolderOf(const config::Template& to) {
  if (to.parts.empty() || to.parts.front().variable != Variable::kNone) return {};
  const std::string_view text = to.parts.front().text;
  if (to.parts.size() == 1) return text;
  return text.substr(0, text.rfind('/') + 1);
}

}  // namespace

std::shared_ptr<const Rewriter> Rewriter::For(const config::Route& route) {
  return route.rewriting.empty() ? nullptr : std::make_shared<const Rewriter>(route);
}

Rewriter::Rewriter(const config::Route& route) : route_(route) {
  const config::Rewriting& rewriting = route.rewriting;
  if (Uses(rewriting, Variable::kCapture))
    path_captures_ = std::make_unique<const plugin::PathCaptures>(route.path.text);
  if (rewriting.path) {
    path_rewrite_ = std::make_unique<const plugin::PathCaptures>(
        rewriting.path->regex.value_or(route.path.text));
  }
  uses_session_ = Uses(rewriting, Variable::kSession);
}

Rewriter::Captures Rewriter::CapturesOf(const http::Request& request) const {
  if (!path_captures_) return {};
  return path_captures_->Of(request.target).value_or(Captures{});
}

std::string Rewriter::Expand(const config::Template& text, const VariableSource& source,
                             const Captures& captures) const {
  std::string out;
  for (const config::Template::Part& part : text.parts) {
    switch (part.variable) {
      case Variable::kNone:
        out += part.text;
        break;
      case Variable::kClient:
        out += route::WithoutPort(source.seen.client);
        break;
      case Variable::kClientPort:
        out += PortOf(source);
        break;
      case Variable::kHost:
        out += source.seen.host;
        break;
      case Variable::kPath:
        out += PathOf(source.request.target);
        break;
      case Variable::kRoute:
        out += route_.name;
        break;
      case Variable::kSession:
        if (source.session != 0) out += std::to_string(source.session);
        break;
      case Variable::kUser:
        if (source.identity != nullptr) out += source.identity->user;
        break;
      case Variable::kClaim:
        out += ClaimOf(source.identity, part.text);
        break;
      case Variable::kServerName:
        if (source.tls != nullptr) out += source.tls->server_name;
        break;
      case Variable::kCapture:
        if (part.capture < captures.size()) out += captures[part.capture];
        break;
    }
  }
  return out;
}

// A value that is empty, or that cannot be sent, is no field at all; what the client sent in its
// place is dropped in any case.
http::FieldChanges Rewriter::Expand(const config::HeaderChanges& changes,
                                    const VariableSource& source) const {
  http::FieldChanges out;
  if (changes.empty()) return out;
  const Captures captures = CapturesOf(source.request);
  const auto add = [&](const config::NamedTemplate& field) {
    const std::string value = Expand(field.value, source, captures);
    if (!value.empty() && http::FieldCanBeSent(field.name, value))
      out.add.emplace_back(field.name, value);
  };
  for (const std::string& name : changes.remove) out.drop.push_back(http::AsVariable(name));
  for (const config::NamedTemplate& field : changes.set)
    out.drop.push_back(http::AsVariable(field.name));
  for (const config::NamedTemplate& field : changes.set) add(field);
  for (const config::NamedTemplate& field : changes.add) add(field);
  return out;
}

http::FieldChanges Rewriter::ToClient(const VariableSource& source) const {
  return Expand(route_.rewriting.response_headers, source);
}

std::expected<std::string, std::string_view> Rewriter::PathFor(const http::Target& target) const {
  const config::Rewriting& rewriting = route_.rewriting;
  if (target.path == "*") return target.raw_path;
  if (!rewriting.strip_prefix.empty()) return WithoutPrefix(target, rewriting.strip_prefix);
  if (!path_rewrite_) return target.raw_path;
  const auto captures = path_rewrite_->Of(target);
  if (!captures) return target.raw_path;
  const std::string_view match = captures->front();
  const std::string_view raw = target.raw_path;
  const std::string_view before =
      raw.substr(0, static_cast<std::size_t>(match.data() - raw.data()));
  std::string path(before);
  for (const config::Template::Part& part : rewriting.path->to.parts)
    AppendPath(path, part.variable == Variable::kNone ? std::string_view(part.text)
                                                      : (*captures)[part.capture]);
  AppendPath(path, raw.substr(before.size() + match.size()));
  if (path.empty()) path = "/";
  // What was captured can form dot segments and escapes that were none before.
  const auto read = http::ParseTarget("GET", path);
  if (!path.starts_with('/') || path.contains('?') || !read || read->raw_path != path)
    return std::unexpected(kLeavesFolder);
  const auto folder = http::ParseTarget(
      "GET", before.empty() && !FolderOf(rewriting.path->to).empty() ? FolderOf(rewriting.path->to)
                                                                     : std::string_view("/"));
  const auto stays = [&](const std::string& reading) { return reading.starts_with(folder->path); };
  if (!stays(read->path)) return std::unexpected(kLeavesFolder);
  if (read->has_readings && !std::ranges::all_of(route::OtherReadings(*read), stays))
    return std::unexpected(kLeavesFolder);
  return path;
}

std::string Rewriter::QueryFor(const VariableSource& source) const {
  const config::QueryChanges& changes = route_.rewriting.query;
  std::string query = source.request.target.query;
  if (changes.empty()) return query;
  const Captures captures = CapturesOf(source.request);
  for (const std::string& name : changes.remove) query = http::QueryWithout(query, name);
  for (const config::NamedTemplate& one : changes.set) query = http::QueryWithout(query, one.name);
  for (const config::NamedTemplate& one : changes.set) {
    query.append(query.empty() ? "" : "&").append(QueryEncoded(one.name)).append("=");
    query += QueryEncoded(Expand(one.value, source, captures));
  }
  return query;
}

std::expected<Rewritten, std::string_view> Rewriter::ToServer(const VariableSource& source) const {
  const config::Rewriting& rewriting = route_.rewriting;
  Rewritten out;
  if (!rewriting.strip_prefix.empty() || rewriting.path || !rewriting.query.empty()) {
    auto path = PathFor(source.request.target);
    if (!path) return std::unexpected(path.error());
    const std::string query = QueryFor(source);
    const bool kept = rewriting.query.empty() && source.request.target.has_query;
    out.target = std::move(*path);
    if (!query.empty() || kept) out.target.append("?").append(query);
  }
  out.host = rewriting.host.value_or("");
  out.fields = Expand(rewriting.request_headers, source);
  AddCertificateFields(rewriting.client_cert_headers, source.tls, out.fields);
  return out;
}

}  // namespace upgate::upgrade
