#include "gateway/http/request_writer.h"

#include <algorithm>

#include "gateway/base/text.h"
#include "gateway/http/chars.h"

namespace upgate::http {
namespace {

// Room for the rest of the request line, and for the lines after the fields, including an upgrade.
constexpr std::size_t kAddedSize = 128;

// origin-form or asterisk-form, checked only as far as the framing needs it.
bool IsTarget(std::string_view target) {
  if (target == "*") return true;
  return target.starts_with('/') &&
         std::ranges::all_of(target, [](char c) { return c > 0x20 && c < 0x7f; });
}

bool IsLine(const OutgoingRequest& request) {
  // The response to CONNECT is framed by different rules.
  return IsToken(request.method) && request.method != "CONNECT" && IsTarget(request.target);
}

// Methods for which servers may require a length (RFC 9110, section 8.6).
bool ExpectsBody(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

}  // namespace

std::optional<std::string> RequestWriter::Head(const OutgoingRequest& request) {
  body_.BeginNone();
  if (!IsLine(request) || !request.headers.sound() || !AreFieldChars(request.upgrade)) return {};
  std::string out;
  out.reserve(request.method.size() + request.target.size() + request.headers.text().size() +
              kAddedSize);
  out.append(request.method).append(" ").append(request.target).append(" HTTP/1.1\r\n");
  out.append(request.headers.text());
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
