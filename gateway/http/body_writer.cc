#include "gateway/http/body_writer.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "gateway/http/chars.h"
#include "gateway/http/proxy_fields.h"

namespace upgate::http {
namespace {

// Fields not allowed in trailers: framing, routing, authentication, and those that change how a
// message is processed (RFC 9110, section 6.5.1). A server that merges trailers into the head would
// trust them.
constexpr std::array<std::string_view, 14> kNoTrailers{"authorization",
                                                       "connection",
                                                       "content-encoding",
                                                       "content-type",
                                                       "cookie",
                                                       "expect",
                                                       "host",
                                                       "set-cookie",
                                                       "te",
                                                       "trailer",
                                                       "upgrade",
                                                       "via",
                                                       "www-authenticate",
                                                       "proxy-authorization"};

bool IsTrailerField(std::string_view name) {
  return !IsFramingHeader(name) && !IsProxyField(name) &&
         std::ranges::none_of(
             kNoTrailers, [&](std::string_view other) { return EqualsIgnoreCase(name, other); });
}

}  // namespace

bool FieldCanBeSent(std::string_view name, std::string_view value) {
  return IsToken(name) && AreFieldChars(value);
}

bool IsFramingHeader(std::string_view name) {
  return EqualsIgnoreCase(name, "content-length") || EqualsIgnoreCase(name, "transfer-encoding");
}

void AddField(std::string& out, std::string_view name, std::string_view value) {
  const std::size_t before = out.size();
  const std::size_t size = before + name.size() + 2 + value.size() + 2;
  out.resize_and_overwrite(size, [&](char* text, std::size_t) {
    char* at = text + before;
    std::memcpy(at, name.data(), name.size());
    at += name.size();
    std::memcpy(at, ": ", 2);
    std::memcpy(at + 2, value.data(), value.size());
    std::memcpy(at + 2 + value.size(), "\r\n", 2);
    return size;
  });
}

void BodyWriter::BeginLength(std::string& head, std::uint64_t length) {
  framing_ = Framing::kLength;
  left_ = length;
  AddField(head, "Content-Length", fmt::to_string(length));
}

void BodyWriter::BeginChunked(std::string& head) {
  framing_ = Framing::kChunked;
  AddField(head, "Transfer-Encoding", "chunked");
}

BodyWriter::Framed BodyWriter::Body(Bytes bytes) {
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

std::optional<std::string> BodyWriter::End(const Headers& trailers) {
  if (framing_ == Framing::kLength && left_ > 0) return {};
  if (framing_ != Framing::kChunked) return std::string();
  std::string out = "0\r\n";
  for (const Header& header : trailers) {
    if (CanBeSent(header) && IsTrailerField(header.name)) AddField(out, header.name, header.value);
  }
  return out + "\r\n";
}

}  // namespace upgate::http
