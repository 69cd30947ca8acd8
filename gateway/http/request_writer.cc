#include "gateway/http/request_writer.h"

#include <algorithm>

#include "gateway/base/text.h"
#include "gateway/http/chars.h"

namespace upgate::http {
namespace {

// origin-form or asterisk-form, as far as the framing depends on it.
bool IsTarget(std::string_view target) {
  if (target == "*") return true;
  return target.starts_with('/') &&
         std::ranges::all_of(target, [](char c) { return c > 0x20 && c < 0x7f; });
}

bool IsLine(const OutgoingRequest& request) {
  // The answer to CONNECT is framed by other rules.
  return IsToken(request.method) && request.method != "CONNECT" && IsTarget(request.target);
}

bool IsOfTheConnection(std::string_view name) {
  return IsFramingHeader(name) || EqualsIgnoreCase(name, "connection") ||
         EqualsIgnoreCase(name, "upgrade");
}

// Methods whose servers may insist on a length (RFC 9110, section 8.6).
bool ExpectsBody(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

}  // namespace

std::optional<std::string> RequestWriter::Head(const OutgoingRequest& request) {
  body_.BeginNone();
  if (!IsLine(request) || !std::ranges::all_of(request.headers, CanBeSent)) return {};
  if (!std::ranges::all_of(request.upgrade, IsFieldChar)) return {};
  std::string out;
  out.reserve(512);
  out.append(request.method).append(" ").append(request.target).append(" HTTP/1.1\r\n");
  for (const Header& header : request.headers) {
    if (!IsOfTheConnection(header.name)) AddField(out, header.name, header.value);
  }
  AddFraming(out, request);
  if (!request.upgrade.empty()) {
    AddField(out, "Connection", "Upgrade");
    AddField(out, "Upgrade", request.upgrade);
  }
  out += "\r\n";
  return out;
}

void RequestWriter::AddFraming(std::string& out, const OutgoingRequest& request) {
  if (!request.has_body) {
    if (ExpectsBody(request.method)) body_.BeginLength(out, 0);
    return;
  }
  if (request.body.bytes) {
    body_.BeginLength(out, *request.body.bytes);
  } else {
    body_.BeginChunked(out);
  }
}

}  // namespace upgate::http
