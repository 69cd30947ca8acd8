#include "gateway/http/request_parser.h"

#include <algorithm>
#include <utility>

#include "gateway/base/proxy_header.h"
#include "gateway/base/text.h"
#include "gateway/http/chars.h"
#include "gateway/http/target.h"

namespace upgate::http {
namespace {

// Enough of a PROXY header to tell it from a request.
constexpr std::size_t kProxySignature = 16;

struct RequestLine {
  std::string_view method;
  std::string_view target;
  Version version = Version::kHttp11;
};

// RFC 9112, section 3: exactly one space between exactly three parts.
std::expected<RequestLine, Refusal> ParseRequestLine(std::string_view line) {
  if (LooksLikeProxyHeader(line)) return Refuse(400, std::string(kUnexpectedProxyHeader));
  if (line == "PRI * HTTP/2.0") {
    return Refuse(400, "the HTTP/2 preface was sent to a port that speaks HTTP/1.1");
  }
  RequestLine parts;
  const std::size_t first = line.find(' ');
  if (first == std::string_view::npos) return Refuse(400, "malformed request line");
  const std::size_t second = line.find(' ', first + 1);
  if (second == std::string_view::npos) return Refuse(400, "request line without an HTTP version");
  parts.method = line.substr(0, first);
  parts.target = line.substr(first + 1, second - first - 1);
  const std::string_view version = line.substr(second + 1);
  if (!IsToken(parts.method) || parts.target.empty() || version.contains(' ')) {
    return Refuse(400, "malformed request line");
  }
  const auto known = ParseVersion(version);
  if (!known) return std::unexpected(known.error());
  parts.version = *known;
  if (parts.method == "PRI")
    return Refuse(501, "unknown method");  // only part of the HTTP/2 preface
  if (parts.method == "CONNECT") return Refuse(501, "CONNECT is not supported");
  return parts;
}

// Hixie-76 clients send 8 bytes behind such a head without announcing them.
bool HasKey3(const Request& request) {
  const Headers& headers = request.headers;
  return request.wants_upgrade && request.method == "GET" &&
         headers.Find("sec-websocket-version") == nullptr &&
         headers.Count("sec-websocket-key1") == 1 && headers.Count("sec-websocket-key2") == 1;
}

}  // namespace

RequestParser::RequestParser(Limits limits)
    : reader_(MessageReader::Type::kRequest,
              {.bytes = limits.head_bytes, .fields = limits.header_count}, limits.underscores) {}

std::expected<RequestParser::Event, Refusal> RequestParser::Next(Bytes& input) {
  if (key3_wanted_) return NextKey3(input);
  if (reader_.at_head()) return NextHead(input);
  auto event = reader_.NextBody(input);
  if (!event) return std::unexpected(std::move(event.error()));
  return std::visit([](auto& part) -> Event { return std::move(part); }, *event);
}

std::expected<RequestParser::Event, Refusal> RequestParser::NextHead(Bytes& input) {
  const std::string_view begin = AsText(input.first(std::min(input.size(), kProxySignature)));
  const auto section = reader_.Head(input);
  if (!section) {
    if (LooksLikeProxyHeader(reader_.kept().empty() ? begin : reader_.kept() + std::string(begin)))
      return std::unexpected(Refusal{400, std::string(kUnexpectedProxyHeader)});
    return std::unexpected(section.error());
  }
  if (section->empty()) return NeedMore{};
  std::string_view head = *section;
  head.remove_prefix(head.find_first_not_of("\r\n"));
  auto parsed = ParseHead(head);
  if (!parsed) return std::unexpected(std::move(parsed.error()));
  if (!HasKey3(parsed->request)) return std::move(*parsed);
  key3_wanted_ = std::make_unique<Key3Wanted>(std::move(*parsed));
  key3_wanted_->head.request.key3.emplace();
  return NextKey3(input);
}

RequestParser::Event RequestParser::NextKey3(Bytes& input) {
  auto& key3 = *key3_wanted_->head.request.key3;
  const Bytes piece = input.first(std::min(input.size(), key3.size() - key3_wanted_->size));
  std::ranges::copy(piece, key3.begin() + static_cast<std::ptrdiff_t>(key3_wanted_->size));
  key3_wanted_->size += piece.size();
  input = input.subspan(piece.size());
  if (key3_wanted_->size < key3.size()) return NeedMore{};
  return std::move(std::exchange(key3_wanted_, nullptr)->head);
}

std::expected<RequestHead, Refusal> RequestParser::ParseHead(std::string_view head) {
  const auto line = ParseRequestLine(head.substr(0, head.find("\r\n")));
  if (!line) return std::unexpected(line.error());
  auto target = ParseTarget(line->method, line->target);
  if (!target) return std::unexpected(std::move(target.error()));

  auto fields = reader_.ReadFields(head, line->version, false);
  if (!fields) return std::unexpected(std::move(fields.error()));

  RequestHead out;
  Request& request = out.request;
  request.method = std::string(line->method);
  request.version = line->version;
  request.target = std::move(*target);
  request.headers = std::move(fields->headers);
  if (auto sound = ApplyHost(request.target, request.headers, request.version); !sound) {
    return std::unexpected(std::move(sound.error()));
  }
  request.has_body = fields->framing != MessageReader::Framing::kNone;
  out.keep_alive = KeepsAlive(request.headers, request.version);
  const bool http11 = request.version == Version::kHttp11;
  request.wants_upgrade = http11 && !request.has_body &&
                          request.headers.HasToken("upgrade", "websocket") &&
                          request.headers.HasToken("connection", "upgrade");
  if (http11 && request.headers.Find("expect") != nullptr) {
    const std::string all = request.headers.Joined("expect");
    std::string_view list = all;
    for (auto item = NextListItem(list); !item.empty(); item = NextListItem(list)) {
      if (!EqualsIgnoreCase(item, "100-continue")) return Refuse(417, "unknown expectation");
      out.expects_continue = request.has_body;
    }
  }
  reader_.ExpectBody(*fields);
  return out;
}

}  // namespace upgate::http
