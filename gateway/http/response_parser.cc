#include "gateway/http/response_parser.h"

#include <algorithm>
#include <utility>

#include "gateway/base/text.h"
#include "gateway/http/answer_framing.h"
#include "gateway/http/chars.h"

namespace upgate::http {
namespace {

Error Broken(std::string_view reason) {
  return {Errc::kProtocol, std::string("bad response from the server: ").append(reason)};
}

Response MakeResponse(int status, std::string_view reason, Headers headers) {
  return {status, std::string(reason), std::move(headers), {}};
}

// True if all elements of the list are equal, ignoring case, and `asked` contains that element.
bool NamesOneOf(std::string_view list, std::string_view asked) {
  const std::string_view first = NextListItem(list);
  for (auto item = NextListItem(list); !item.empty(); item = NextListItem(list)) {
    if (!EqualsIgnoreCase(item, first)) return false;
  }
  return ListHasToken(asked, first);
}

// A 204 has no body whatever its fields say, but some servers send one that matches the fields.
bool Promises(const Headers& headers) {
  const std::string* length = headers.Find("content-length");
  return headers.Find("transfer-encoding") != nullptr ||
         (length != nullptr && length->find_first_not_of('0') != std::string::npos);
}

}  // namespace

ResponseParser::ResponseParser(const Limits& limits)
    : interim_limit_(limits.interim_count),
      reader_(MessageReader::Type::kResponse,
              {.bytes = limits.head_bytes, .fields = limits.header_count}) {}

void ResponseParser::Begin(std::string_view method, std::string_view upgrade) {
  reader_.ExpectHead();
  head_request_ = method == "HEAD";
  upgrade_ = upgrade;
  interims_ = 0;
  keep_alive_ = false;
}

Result<ResponseParser::Event> ResponseParser::Next(Bytes& input) {
  if (reader_.at_head()) {
    auto event = NextHead(input);
    if (!event) return std::unexpected(Broken(event.error().reason));
    return std::move(*event);
  }
  auto event = reader_.NextBody(input);
  if (!event) return std::unexpected(Broken(event.error().reason));
  return std::visit([](auto& part) -> Event { return std::move(part); }, *event);
}

Result<ResponseParser::ResponseEnd> ResponseParser::End() const {
  if (reader_.to_end()) return ResponseEnd{};
  if (!reader_.at_head())
    return Fail(Errc::kReset, "server closed the connection in the middle of a body");
  if (reader_.in_head())
    return Fail(Errc::kReset, "server closed the connection in the middle of a response head");
  return Fail(Errc::kReset, "server closed the connection before it answered");
}

// RFC 9112, section 4. Many servers omit the space behind the code together with the phrase.
std::expected<ResponseParser::StatusLine, Refusal> ResponseParser::ParseStatusLine(
    std::string_view line) {
  const std::string_view text = line.substr(0, line.find(' '));
  const auto version = ParseVersion(text);
  if (!version) return std::unexpected(version.error());
  line.remove_prefix(std::min(line.size(), text.size() + 1));
  const std::string_view code = line.substr(0, 3);
  line.remove_prefix(code.size());
  if (code.size() < 3 || !std::ranges::all_of(code, http::IsDigit) ||
      !(line.empty() || line.front() == ' ')) {
    return Refuse(502, "malformed status line");
  }
  const int status = (code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0');
  // Codes from 600 on are not standardized, but are passed on as final responses.
  if (status < 100) return Refuse(502, "status code out of range");
  return StatusLine{*version, status, Trim(line)};
}

std::expected<ResponseParser::Event, Refusal> ResponseParser::NextHead(Bytes& input) {
  const auto head = reader_.Head(input);
  if (!head) return std::unexpected(head.error());
  if (head->empty()) return NeedMore{};
  const auto line = ParseStatusLine(head->substr(0, head->find("\r\n")));
  if (!line) return std::unexpected(line.error());
  const int status = line->status;
  auto fields = ReadFields(*head, *line);
  if (!fields) return std::unexpected(std::move(fields.error()));
  if (status == 101) return TakeSwitch(*line, std::move(*fields));
  if (status < 200) return TakeInterim(*line, std::move(*fields));
  return TakeFinal(*line, std::move(*fields));
}

std::expected<MessageReader::Fields, Refusal> ResponseParser::ReadFields(std::string_view head,
                                                                         const StatusLine& line) {
  const int status = line.status;
  if (status < 200) {
    const auto unframed = WithoutFraming(head);
    return reader_.ReadFields(unframed ? *unframed : head, line.version, true);
  }
  const bool bodiless = head_request_ || status == 204 || status == 304;
  auto fields = reader_.ReadFields(head, line.version, bodiless);
  if (fields) return fields;
  const auto healed = MergeContentLengths(head);
  if (!healed) return fields;
  auto again = reader_.ReadFields(*healed, line.version, bodiless);
  return again ? std::move(again) : std::move(fields);
}

std::expected<ResponseParser::Event, Refusal> ResponseParser::TakeInterim(
    const StatusLine& line, MessageReader::Fields fields) {
  if (++interims_ > interim_limit_) return Refuse(502, "too many 1xx responses");
  InterimHead out{MakeResponse(line.status, line.reason, std::move(fields.headers))};
  reader_.ExpectHead();
  return out;
}

// RFC 9110, section 7.8.
std::expected<ResponseParser::Event, Refusal> ResponseParser::TakeSwitch(
    const StatusLine& line, MessageReader::Fields fields) {
  if (upgrade_.empty()) return Refuse(502, "unsolicited 101");
  if (line.version != Version::kHttp11) return Refuse(502, "101 on HTTP/1.0");
  // The protocol may be named twice, but two protocols would be ambiguous.
  if (!fields.headers.HasToken("connection", "upgrade") ||
      !NamesOneOf(fields.headers.Joined("upgrade"), upgrade_)) {
    return Refuse(502, "101 does not switch to the protocol that was asked for");
  }
  SwitchHead out{MakeResponse(line.status, line.reason, std::move(fields.headers))};
  reader_.ExpectBody({});
  return out;
}

std::expected<ResponseParser::Event, Refusal> ResponseParser::TakeFinal(
    const StatusLine& line, MessageReader::Fields fields) {
  const bool known = fields.framing == MessageReader::Framing::kNone ||
                     fields.framing == MessageReader::Framing::kLength;
  keep_alive_ = KeepsAlive(fields.headers, line.version) &&
                fields.framing != MessageReader::Framing::kToEnd &&
                !(line.status == 204 && Promises(fields.headers));
  ResponseHead out;
  if (known) out.length.bytes = fields.length;
  out.response = MakeResponse(line.status, line.reason, std::move(fields.headers));
  reader_.ExpectBody(fields);
  return out;
}

}  // namespace upgate::http
