#include "gateway/ws/hixie_handshake.h"

#include <limits>

#include "gateway/http/chars.h"
#include "gateway/tls/digest.h"

namespace upgate::ws {
namespace {

using config::Dialect;

constexpr std::string_view kWrongKeys =
    "Sec-WebSocket-Key1 and -Key2 must each appear once, with digits divisible by the number of "
    "spaces; 8 bytes must follow the head";

std::string_view SubprotocolField(Dialect dialect) {
  return dialect == Dialect::kHixie76 ? "Sec-WebSocket-Protocol" : "WebSocket-Protocol";
}

std::optional<std::string> ReadProof(const http::Request& request) {
  const http::Headers& headers = request.headers;
  if (!request.key3 || headers.Count("Sec-WebSocket-Key1") != 1 ||
      headers.Count("Sec-WebSocket-Key2") != 1)
    return {};
  const auto number1 = KeyNumber(*headers.Find("Sec-WebSocket-Key1"));
  const auto number2 = KeyNumber(*headers.Find("Sec-WebSocket-Key2"));
  if (!number1 || !number2) return {};
  return KeyProof(*number1, *number2, *request.key3);
}

void AppendBigEndian(std::string& to, std::uint32_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) to += static_cast<char>(number >> shift & 0xff);
}

}  // namespace

std::optional<std::uint32_t> KeyNumber(std::string_view key) {
  std::uint64_t number = 0;
  std::uint64_t spaces = 0;
  bool has_digit = false;
  for (const char c : key) {
    if (c == ' ') ++spaces;
    if (c < '0' || c > '9') continue;
    has_digit = true;
    number = number * 10 + static_cast<std::uint64_t>(c - '0');
    if (number > std::numeric_limits<std::uint32_t>::max()) return {};
  }
  if (!has_digit || spaces == 0 || number % spaces != 0) return {};
  return static_cast<std::uint32_t>(number / spaces);
}

std::string KeyProof(std::uint32_t number1, std::uint32_t number2,
                     const std::array<std::byte, 8>& key3) {
  std::string challenge;
  AppendBigEndian(challenge, number1);
  AppendBigEndian(challenge, number2);
  Append(challenge, key3);
  return std::string(AsText(tls::Md5(AsBytes(challenge))));
}

std::expected<Offer, http::Response> ReadHixieOffer(const http::Request& request, Dialect dialect) {
  Offer offer;
  offer.dialect = dialect;
  if (dialect == Dialect::kHixie76) {
    auto proof = ReadProof(request);
    if (!proof) return std::unexpected(http::TextResponse(400, kWrongKeys));
    offer.proof = *std::move(proof);
  }
  const std::string_view field = SubprotocolField(dialect);
  if (const std::string* subprotocol = request.headers.Find(field)) {
    if (request.headers.Count(field) != 1 || !http::IsToken(*subprotocol)) {
      return std::unexpected(http::TextResponse(400, std::string(field) + " must be one token"));
    }
    offer.subprotocols.push_back(*subprotocol);
  }
  if (const std::string* origin = request.headers.Find("Origin")) offer.origin = *origin;
  return offer;
}

http::Response AcceptHixie(const Offer& offer, const AcceptParts& parts) {
  const bool is76 = offer.dialect == Dialect::kHixie76;
  const std::string prefix = is76 ? "Sec-WebSocket-" : "WebSocket-";
  http::Response response;
  response.status = 101;
  // Clients of -75 compare the first three lines byte by byte.
  response.reason = is76 ? "WebSocket Protocol Handshake" : "Web Socket Protocol Handshake";
  http::Headers& headers = response.headers;
  headers.Add("Upgrade", "WebSocket");
  headers.Add("Connection", "Upgrade");
  if (!offer.origin.empty()) headers.Add(prefix + "Origin", offer.origin);
  headers.Add(prefix + "Location", parts.location);
  if (!parts.subprotocol.empty()) headers.Add(prefix + "Protocol", parts.subprotocol);
  headers.Add("Date", parts.date);
  if (!parts.server.empty()) headers.Add("Server", parts.server);
  for (const http::Header& field : parts.cors) headers.Add(field.name, field.value);
  response.body = offer.proof;
  return response;
}

}  // namespace upgate::ws
