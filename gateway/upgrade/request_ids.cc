#include "gateway/upgrade/request_ids.h"

#include <algorithm>
#include <array>

#include "gateway/base/text.h"
#include "gateway/http/proxy_fields.h"

namespace upgate::upgrade {
namespace {

constexpr std::string_view kRequestId = "X-Request-ID";
constexpr std::string_view kTraceparent = "traceparent";
constexpr std::string_view kTracestate = "tracestate";
constexpr std::size_t kLongestId = 128;

constexpr std::size_t kTraceIdAt = 3;
constexpr std::size_t kTraceIdSize = 32;
constexpr std::size_t kParentIdAt = kTraceIdAt + kTraceIdSize + 1;
constexpr std::size_t kParentIdSize = 16;
constexpr std::size_t kFlagsAt = kParentIdAt + kParentIdSize + 1;
constexpr std::size_t kTraceparentSize = kFlagsAt + 2;

bool IsLowerHex(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool IsZero(std::string_view text) {
  return text.find_first_not_of('0') == std::string_view::npos;
}

// Random, not all zeros.
template <std::size_t bytes>
std::string RandomHex(io::Entropy& entropy) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::array<std::byte, bytes> random;
  entropy.Fill(random);
  random[0] |= std::byte{1};
  std::string hex;
  hex.reserve(2 * bytes);
  for (const std::byte byte : random) {
    hex += kDigits[std::to_integer<unsigned>(byte) >> 4];
    hex += kDigits[std::to_integer<unsigned>(byte) & 15];
  }
  return hex;
}

// In any spelling that a server may treat as equal.
void RemoveAll(http::Headers& headers, std::string_view name) {
  headers.Filter([&](http::Header& h) { return !http::EqualsAsVariable(h.name, name); });
}

std::string WithoutToken(std::string_view list, std::string_view token) {
  std::string rest;
  for (auto item = NextListItem(list); !item.empty(); item = NextListItem(list)) {
    if (EqualsIgnoreCase(item, token)) continue;
    if (!rest.empty()) rest += ", ";
    rest += item;
  }
  return rest;
}

// A client that names the field in Connection would keep it from the server.
void PassOn(http::Headers& headers, std::string_view name) {
  if (!headers.HasToken("connection", name)) return;
  headers.Filter([&](http::Header& h) {
    if (!EqualsIgnoreCase(h.name, "connection")) return true;
    h.value = WithoutToken(h.value, name);
    return !h.value.empty();
  });
}

// True if the one field of that name is kept.
bool Keep(http::Headers& headers, std::string_view name, bool trusted,
          bool (*is_valid)(std::string_view)) {
  const std::string* value = trusted && headers.Count(name) == 1 ? headers.Find(name) : nullptr;
  if (value != nullptr && is_valid(*value)) return true;
  RemoveAll(headers, ToLower(name));
  return false;
}

}  // namespace

bool IsRequestId(std::string_view text) {
  return !text.empty() && text.size() <= kLongestId && std::ranges::all_of(text, [](char c) {
    return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("-_.:/+=@").contains(c);
  });
}

// Later versions may have more behind the flags.
bool IsTraceparent(std::string_view text) {
  if (text.size() < kTraceparentSize) return false;
  const std::string_view version = text.substr(0, 2);
  const std::string_view trace = text.substr(kTraceIdAt, kTraceIdSize);
  const std::string_view parent = text.substr(kParentIdAt, kParentIdSize);
  if (text[2] != '-' || text[kParentIdAt - 1] != '-' || text[kFlagsAt - 1] != '-') return false;
  if (!IsLowerHex(version) || version == "ff" || !IsLowerHex(trace) || !IsLowerHex(parent) ||
      !IsLowerHex(text.substr(kFlagsAt, 2)) || IsZero(trace) || IsZero(parent))
    return false;
  return version == "00" ? text.size() == kTraceparentSize
                         : text.size() == kTraceparentSize || text[kTraceparentSize] == '-';
}

void SetIds(http::Request& request, bool by_trusted_proxy, const config::HttpLimits& settings,
            io::Entropy& entropy) {
  http::Headers& headers = request.headers;
  if (settings.request_id) PassOn(headers, kRequestId);
  if (settings.traceparent) {
    PassOn(headers, kTraceparent);
    PassOn(headers, kTracestate);
  }
  if (settings.request_id && !Keep(headers, kRequestId, by_trusted_proxy, IsRequestId))
    headers.Add(kRequestId, RandomHex<16>(entropy));
  if (!settings.traceparent || Keep(headers, kTraceparent, by_trusted_proxy, IsTraceparent)) return;
  RemoveAll(headers, kTracestate);  // belongs to the traceparent that is gone
  headers.Add(kTraceparent, "00-" + RandomHex<16>(entropy) + "-" + RandomHex<8>(entropy) + "-00");
}

void RemoveIds(http::Headers& headers, const config::HttpLimits& settings) {
  if (settings.request_id) RemoveAll(headers, ToLower(kRequestId));
  if (!settings.traceparent) return;
  RemoveAll(headers, kTraceparent);
  RemoveAll(headers, kTracestate);
}

std::string_view RequestIdOf(const http::Request& request) {
  const std::string* id = request.headers.Find(kRequestId);
  return id != nullptr ? std::string_view(*id) : std::string_view();
}

std::string_view TraceIdOf(const http::Request& request) {
  const std::string* parent = request.headers.Find(kTraceparent);
  return parent != nullptr && IsTraceparent(*parent)
             ? std::string_view(*parent).substr(kTraceIdAt, kTraceIdSize)
             : std::string_view();
}

}  // namespace upgate::upgrade
