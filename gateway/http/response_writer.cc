#include "gateway/http/response_writer.h"

#include <algorithm>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "gateway/http/chars.h"

namespace upgate::http {
namespace {

// Enough for most heads, to avoid reallocation.
constexpr std::size_t kUsualHead = 512;

void AddStatusLine(std::string& out, const Response& response) {
  std::string_view reason = response.reason;
  if (reason.empty() || !AreFieldChars(reason)) {
    reason = ReasonPhrase(response.status);
  }
  const fmt::format_int status(response.status);
  out.append("HTTP/1.1 ").append(status.data(), status.size());
  out.append(" ").append(reason).append("\r\n");
}

// A Content-Length set by a handler for a body that is not sent (HEAD, 304).
std::optional<std::string_view> AnnouncedLength(const Headers& headers) {
  const std::string* text = headers.Find("content-length");
  if (text == nullptr || text->empty() || !std::ranges::all_of(*text, IsDigit)) return {};
  return *text;
}

}  // namespace

std::optional<std::string> ResponseWriter::Head(const Response& response, BodyLength length) {
  if (response.status < 200 || response.status > 999) return {};
  bool dated = false;
  bool named = false;
  bool has_options = false;
  for (const Header& header : response.headers) {
    if (!CanBeSent(header)) return {};
    dated |= EqualsIgnoreCase(header.name, "date");
    named |= EqualsIgnoreCase(header.name, "server");
    has_options |= EqualsIgnoreCase(header.name, "connection");
  }
  std::string out;
  out.reserve(kUsualHead);
  AddStatusLine(out, response);
  if (!dated) AddField(out, "Date", HttpDate(context_.unix_seconds));
  if (!named && !context_.server_name.empty()) AddField(out, "Server", context_.server_name);
  for (const Header& header : response.headers) {
    if (IsFramingHeader(header.name) || EqualsIgnoreCase(header.name, "connection")) continue;
    AddField(out, header.name, header.value);
  }
  const std::string options = has_options ? response.headers.Joined("connection") : "";
  close_ = !context_.keep_alive || ListHasToken(options, "close");
  AddFraming(out, response, length);
  AddConnection(out, options);
  out += "\r\n";
  return out;
}

// RFC 9112, section 6.3, for the sending side.
void ResponseWriter::AddFraming(std::string& out, const Response& response, BodyLength length) {
  body_.BeginNone();
  if (response.status == 204) return;
  if (context_.head_request || response.status == 304) {
    if (const auto announced = AnnouncedLength(response.headers)) {
      AddField(out, "Content-Length", *announced);
    } else if (length.bytes && (response.status != 304 || *length.bytes > 0)) {
      AddField(out, "Content-Length", fmt::to_string(*length.bytes));
    }
    return;
  }
  if (length.bytes) {
    body_.BeginLength(out, *length.bytes);
  } else if (context_.version == Version::kHttp11) {
    body_.BeginChunked(out);
  } else {
    body_.BeginToEnd();
    close_ = true;
  }
}

// Keeps the handler's own options (a 426 has "upgrade"), but the connection decides on close and
// keep-alive.
void ResponseWriter::AddConnection(std::string& out, std::string_view given) const {
  std::string options;
  const auto add = [&](std::string_view option) {
    if (!options.empty()) options += ", ";
    options += option;
  };
  for (auto item = NextListItem(given); !item.empty(); item = NextListItem(given)) {
    if (!EqualsIgnoreCase(item, "close") && !EqualsIgnoreCase(item, "keep-alive")) add(item);
  }
  if (close_) {
    add("close");
  } else if (context_.version == Version::kHttp10) {
    add("keep-alive");
  }
  if (!options.empty()) AddField(out, "Connection", options);
}

std::string ResponseWriter::Interim(const Response& response) const {
  if (context_.version == Version::kHttp10) return {};
  if (response.status < 100 || response.status > 199 || response.status == 101) return {};
  std::string out;
  AddStatusLine(out, response);
  for (const Header& header : response.headers) {
    if (!CanBeSent(header) || IsFramingHeader(header.name)) continue;
    if (EqualsIgnoreCase(header.name, "connection")) continue;
    AddField(out, header.name, header.value);
  }
  return out + "\r\n";
}

std::string ResponseWriter::UpgradeHead(const Response& response) {
  std::string out;
  out.reserve(kUsualHead);
  AddStatusLine(out, response);
  for (const Header& header : response.headers) {
    if (CanBeSent(header)) AddField(out, header.name, header.value);
  }
  out += "\r\n";
  return out;
}

}  // namespace upgate::http
