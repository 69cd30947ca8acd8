#include "gateway/http/response_writer.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "gateway/http/chars.h"

namespace upgate::http {
namespace {

bool CanBeSent(const Header& header) {
  return IsToken(header.name) && std::ranges::all_of(header.value, IsFieldChar);
}

// Headers that belong to the connection and are written from what is known about it.
bool IsFramingHeader(std::string_view name) {
  return EqualsIgnoreCase(name, "content-length") || EqualsIgnoreCase(name, "transfer-encoding");
}

// Fields that a trailer must not hold (RFC 9110, section 6.5.1).
bool IsTrailerField(std::string_view name) {
  return !IsFramingHeader(name) && !EqualsIgnoreCase(name, "connection") &&
         !EqualsIgnoreCase(name, "host") && !EqualsIgnoreCase(name, "trailer") &&
         !EqualsIgnoreCase(name, "upgrade") && !EqualsIgnoreCase(name, "set-cookie");
}

void AddField(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

void AddStatusLine(std::string& out, const Response& response) {
  std::string_view reason = response.reason;
  if (reason.empty() || !std::ranges::all_of(reason, IsFieldChar)) {
    reason = ReasonPhrase(response.status);
  }
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} {}\r\n", response.status, reason);
}

// A Content-Length that a handler wrote about a body that is not sent (HEAD, 304).
std::optional<std::string_view> AnnouncedLength(const Headers& headers) {
  const std::string* text = headers.Find("content-length");
  if (text == nullptr || text->empty() || !std::ranges::all_of(*text, IsDigit)) return {};
  return *text;
}

}  // namespace

std::optional<std::string> ResponseWriter::Head(const Response& response, BodyLength length) {
  if (response.status < 200 || response.status > 599) return {};
  if (!std::ranges::all_of(response.headers, CanBeSent)) return {};
  std::string out;
  out.reserve(512);
  AddStatusLine(out, response);
  if (response.headers.Find("date") == nullptr) {
    AddField(out, "Date", HttpDate(context_.unix_seconds));
  }
  if (!context_.server_name.empty() && response.headers.Find("server") == nullptr) {
    AddField(out, "Server", context_.server_name);
  }
  for (const Header& header : response.headers) {
    if (IsFramingHeader(header.name) || EqualsIgnoreCase(header.name, "connection")) continue;
    AddField(out, header.name, header.value);
  }
  close_ = !context_.keep_alive || response.headers.HasToken("connection", "close");
  AddFraming(out, response, length);
  AddConnection(out, response.headers);
  out += "\r\n";
  return out;
}

// RFC 9112, section 6.3, as a server sees it.
void ResponseWriter::AddFraming(std::string& out, const Response& response, BodyLength length) {
  framing_ = Framing::kNone;
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
    framing_ = Framing::kLength;
    left_ = *length.bytes;
    AddField(out, "Content-Length", fmt::to_string(left_));
  } else if (context_.version == Version::kHttp11) {
    framing_ = Framing::kChunked;
    AddField(out, "Transfer-Encoding", "chunked");
  } else {
    framing_ = Framing::kToEnd;
    close_ = true;
  }
}

// The handler's own options stay (426 says "upgrade" there); close and keep-alive are the
// connection's to say.
void ResponseWriter::AddConnection(std::string& out, const Headers& headers) const {
  std::string options;
  const auto add = [&](std::string_view option) {
    if (!options.empty()) options += ", ";
    options += option;
  };
  const std::string given = headers.Joined("connection");
  std::string_view list = given;
  for (auto item = NextListItem(list); !item.empty(); item = NextListItem(list)) {
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
  AddStatusLine(out, response);
  for (const Header& header : response.headers) {
    if (CanBeSent(header)) AddField(out, header.name, header.value);
  }
  return out + "\r\n";
}

ResponseWriter::Framed ResponseWriter::Body(Bytes bytes) {
  Framed framed;
  if (framing_ == Framing::kLength) {
    bytes = bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size())));
    left_ -= bytes.size();
  }
  // An empty chunk would be the end of the body.
  if (framing_ == Framing::kNone || bytes.empty()) return framed;
  if (framing_ != Framing::kChunked) {
    framed.Add(bytes);
    return framed;
  }
  chunk_head_ = fmt::format("{:x}\r\n", bytes.size());
  framed.Add(AsBytes(chunk_head_));
  framed.Add(bytes);
  framed.Add(AsBytes("\r\n"));
  return framed;
}

std::optional<std::string> ResponseWriter::End(const Headers& trailers) {
  if (framing_ == Framing::kLength && left_ > 0) return {};
  if (framing_ != Framing::kChunked) return std::string();
  std::string out = "0\r\n";
  for (const Header& header : trailers) {
    if (CanBeSent(header) && IsTrailerField(header.name)) AddField(out, header.name, header.value);
  }
  return out + "\r\n";
}

}  // namespace upgate::http
