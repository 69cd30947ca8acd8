#include "gateway/ws/handshake.h"

#include <algorithm>
#include <array>

#include "gateway/base/base64.h"
#include "gateway/base/text.h"
#include "gateway/tls/digest.h"
#include "gateway/ws/hixie_handshake.h"

namespace upgate::ws {
namespace {

using config::Dialect;

constexpr std::string_view kVersion = "13";
constexpr std::string_view kHybi08Version = "8";
constexpr std::size_t kKeyBytes = 16;
constexpr std::size_t kKeyCharacters = 24;
constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

http::Response UpgradeRequired(std::string_view why) {
  http::Response response = http::TextResponse(426, why);
  response.headers.Set("Connection", "Upgrade");
  response.headers.Set("Upgrade", "websocket");
  return response;
}

// The dialect of the handshake, whether enabled or not.
std::optional<Dialect> DialectOf(const http::Headers& headers) {
  if (const std::string* version = headers.Find("Sec-WebSocket-Version")) {
    if (headers.Count("Sec-WebSocket-Version") > 1) return {};
    if (*version == kVersion) return Dialect::kRfc6455;
    if (*version == kHybi08Version) return Dialect::kHybi08;
    return {};
  }
  if (headers.Find("Sec-WebSocket-Key1") != nullptr ||
      headers.Find("Sec-WebSocket-Key2") != nullptr)
    return Dialect::kHixie76;
  if (headers.Find("Sec-WebSocket-Key") != nullptr) return {};
  return Dialect::kHixie75;
}

// RFC 6455, section 4.4.
http::Response OtherVersion(config::DialectSet spoken) {
  std::string versions;
  if (spoken.Has(Dialect::kRfc6455)) versions = kVersion;
  if (spoken.Has(Dialect::kHybi08))
    versions += (versions.empty() ? "" : ", ") + std::string(kHybi08Version);
  const std::string why = "unsupported WebSocket version; use " + spoken.ToString() + " instead";
  if (versions.empty()) return http::TextResponse(400, why);
  http::Response response = UpgradeRequired(why);
  response.headers.Set("Sec-WebSocket-Version", versions);
  return response;
}

bool IsBase64Character(char c) {
  return IsAlpha(c) || IsDigit(c) || c == '+' || c == '/';
}

// Base64 of 16 bytes. The unused bits before the padding may be set, as in the example of RFC 6455,
// section 4.1: the key is hashed as text and never decoded, so this is unambiguous.
bool IsKey(std::string_view text) {
  return text.size() == kKeyCharacters && text.ends_with("==") &&
         std::ranges::all_of(text.substr(0, kKeyCharacters - 2), IsBase64Character);
}

bool IsRightKey(std::string_view text, Answerer answerer) {
  return answerer == Answerer::kServer ? !text.empty() : IsKey(text);
}

// Elements need not be tokens: the gateway only selects tokens, so it never selects an invalid one,
// and a server may interpret them itself. Every parser splits at commas.
std::vector<std::string> ReadSubprotocols(const http::Headers& headers) {
  std::vector<std::string> subprotocols;
  const std::string all = headers.Joined("Sec-WebSocket-Protocol");
  std::string_view rest = all;
  for (auto item = NextListItem(rest); !item.empty(); item = NextListItem(rest)) {
    subprotocols.emplace_back(item);
  }
  return subprotocols;
}

// The CORS fields that precede Sec-WebSocket-Accept, in order.
constexpr std::string_view kEarlyFields[] = {"Access-Control-Allow-Origin",
                                             "Access-Control-Allow-Credentials"};

// Fields of a 101 without the CORS fields.
constexpr std::size_t kMostFields = 7;

bool IsNamed(const http::Header& field, std::string_view name) {
  return EqualsIgnoreCase(field.name, name);
}

bool ComesEarly(const http::Header& field) {
  return std::ranges::any_of(kEarlyFields, [&](auto name) { return IsNamed(field, name); });
}

}  // namespace

std::expected<Offer, http::Response> ReadOffer(const http::Request& request,
                                               config::DialectSet spoken, Answerer answerer) {
  if (request.method != "GET") {
    http::Response response = http::TextResponse(405, "a WebSocket handshake is a GET request");
    response.headers.Set("Allow", "GET");
    return std::unexpected(std::move(response));
  }
  if (request.version != http::Version::kHttp11 || !request.UpgradesTo("websocket")) {
    return std::unexpected(UpgradeRequired("this resource is a WebSocket; upgrade to it"));
  }
  const http::Headers& headers = request.headers;
  const auto dialect = DialectOf(headers);
  if (!dialect || !spoken.Has(*dialect)) return std::unexpected(OtherVersion(spoken));
  if (request.has_body) {
    return std::unexpected(http::TextResponse(400, "a WebSocket handshake has no body"));
  }
  if (*dialect == Dialect::kHixie76 || *dialect == Dialect::kHixie75)
    return ReadHixieOffer(request, *dialect);
  const std::string* key = headers.Find("Sec-WebSocket-Key");
  if (key == nullptr || headers.Count("Sec-WebSocket-Key") != 1 || !IsRightKey(*key, answerer)) {
    return std::unexpected(http::TextResponse(
        400, "Sec-WebSocket-Key must appear exactly once, as base64 of 16 bytes"));
  }
  return Offer{*key, ReadSubprotocols(headers), *dialect};
}

bool IsHandshake(const http::Request& request, config::DialectSet spoken) {
  if (request.method != "GET" || !request.UpgradesTo("websocket")) return false;
  const auto has = [&](std::string_view name) { return request.headers.Find(name) != nullptr; };
  if (has("Sec-WebSocket-Version")) return has("Sec-WebSocket-Key");
  if (has("Sec-WebSocket-Key1")) return has("Sec-WebSocket-Key2");
  // draft-hixie-thewebsocketprotocol-75, section 4.1: exactly this spelling, and an Origin.
  return spoken.Has(Dialect::kHixie75) && !has("Sec-WebSocket-Key") && has("Origin") &&
         *request.headers.Find("Upgrade") == "WebSocket";
}

std::string_view OriginField(const http::Request& request) {
  constexpr std::string_view kDraft = "Sec-WebSocket-Origin";
  const std::string* version = request.headers.Find("Sec-WebSocket-Version");
  const bool is_draft = version != nullptr && *version == kHybi08Version &&
                        request.headers.Count("Sec-WebSocket-Version") == 1;
  return is_draft && request.headers.Find(kDraft) != nullptr ? kDraft : "Origin";
}

std::string_view OriginSent(const http::Request& request) {
  const std::string* origin = request.headers.Find(OriginField(request));
  return origin != nullptr ? std::string_view(*origin) : std::string_view();
}

void MakeRfc6455(const Offer& offer, http::Headers& fields) {
  if (offer.dialect == Dialect::kRfc6455) return;
  const std::string* origin =
      offer.dialect == Dialect::kHybi08 ? fields.Find("Sec-WebSocket-Origin") : nullptr;
  if (origin != nullptr) fields.Set("Origin", std::string(*origin));
  for (const std::string_view name :
       {"Sec-WebSocket-Origin", "Sec-WebSocket-Key1", "Sec-WebSocket-Key2",
        "Sec-WebSocket-Extensions", "Sec-WebSocket-Draft", "Sec-WebSocket-Protocol",
        "WebSocket-Protocol"}) {
    fields.Remove(name);
  }
  fields.Set("Sec-WebSocket-Version", kVersion);
  fields.Set("Sec-WebSocket-Key", offer.key);
  SetSubprotocols(offer, fields);
}

void SetSubprotocols(const Offer& offer, http::Headers& fields) {
  if (offer.subprotocols.empty()) return;
  fields.Set("Sec-WebSocket-Protocol", Join(offer.subprotocols, ", "));
}

std::string OfferedExtensions(const http::Request& request, const Offer& offer) {
  return offer.dialect == Dialect::kRfc6455 ? request.headers.Joined("Sec-WebSocket-Extensions")
                                            : "";
}

std::string MakeKey(io::Entropy& entropy) {
  std::array<std::byte, kKeyBytes> bytes;
  entropy.Fill(bytes);
  return Base64Encode(bytes);
}

std::string AcceptKey(std::string_view key) {
  // Any length reaches a server that checks it itself.
  std::array<char, kKeyCharacters + kGuid.size()> usual;
  if (key.size() == kKeyCharacters) {
    std::ranges::copy(key, usual.begin());
    std::ranges::copy(kGuid, usual.begin() + kKeyCharacters);
    return Base64Encode(tls::Sha1(std::as_bytes(std::span(usual))));
  }
  const std::string text = std::string(key).append(kGuid);
  return Base64Encode(tls::Sha1(AsBytes(text)));
}

std::optional<std::string> ChooseSubprotocol(const Offer& offer,
                                             std::span<const std::string> served) {
  for (const std::string& subprotocol : offer.subprotocols) {
    if (std::ranges::find(served, subprotocol) != served.end()) return subprotocol;
  }
  return {};
}

bool IsHandshakeField(std::string_view name) {
  return EqualsIgnoreCase(name, "Sec-WebSocket-Accept") ||
         EqualsIgnoreCase(name, "Sec-WebSocket-Protocol") ||
         EqualsIgnoreCase(name, "Sec-WebSocket-Version");
}

http::Response Accept(const Offer& offer, const AcceptParts& parts) {
  if (offer.dialect == Dialect::kHixie76 || offer.dialect == Dialect::kHixie75)
    return AcceptHixie(offer, parts);
  http::Response response;
  response.status = 101;
  response.reason = "WebSocket Protocol Handshake";
  http::Headers& headers = response.headers;
  headers.Reserve(kMostFields + parts.cors.size());
  headers.Add("Date", parts.date);
  headers.Add("Connection", "Upgrade");
  if (!parts.server.empty()) headers.Add("Server", parts.server);
  headers.Add("Upgrade", "WebSocket");
  for (const std::string_view name : kEarlyFields) {
    for (const http::Header& field : parts.cors) {
      if (IsNamed(field, name)) headers.Add(field.name, field.value);
    }
  }
  headers.Add("Sec-WebSocket-Accept", offer.accept.empty() ? AcceptKey(offer.key) : offer.accept);
  if (!parts.subprotocol.empty()) headers.Add("Sec-WebSocket-Protocol", parts.subprotocol);
  if (!parts.extensions.empty()) headers.Add("Sec-WebSocket-Extensions", parts.extensions);
  for (const http::Header& field : parts.cors) {
    if (!ComesEarly(field)) headers.Add(field.name, field.value);
  }
  return response;
}

}  // namespace upgate::ws
