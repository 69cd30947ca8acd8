// The opening handshake: any request is either a valid offer or a refusal that can be sent, and the
// response to an offer is a 101 that its client accepts. Input: a byte for the route's settings and
// dialects, the request.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/base64.h"
#include "gateway/base/text.h"
#include "gateway/http/body_writer.h"
#include "gateway/http/chars.h"
#include "gateway/http/response_writer.h"
#include "gateway/ws/handshake.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/request.h"

namespace upgate::ws {
namespace {

using fuzz::Require;

void CheckRefusal(const http::Response& refusal) {
  Require(refusal.status == 400 || refusal.status == 405 || refusal.status == 426);
  Require((refusal.headers.Find("Allow") != nullptr) == (refusal.status == 405));
  Require((refusal.headers.Find("Upgrade") != nullptr) == (refusal.status == 426));
  Require(!refusal.body.empty() && std::ranges::all_of(refusal.headers, http::CanBeSent));
}

// Ignores the bits under the padding.
bool IsKeyOf16Bytes(std::string key) {
  if (key.size() != 24) return false;
  key[21] = 'A';
  const auto bytes = Base64Decode(key);
  return bytes && bytes->size() == 16;
}

void CheckOffer(const http::Request& request, const Offer& offer) {
  Require(request.method == "GET" && request.version == http::Version::kHttp11 &&
          !request.has_body);
  Require(request.UpgradesTo("websocket"));
  const bool has_key = config::CarriesBinary(offer.dialect);
  Require(has_key ? IsKeyOf16Bytes(offer.key)
                  : offer.key.empty() && offer.subprotocols.size() <= 1 &&
                        std::ranges::all_of(offer.subprotocols, http::IsToken));
  const bool has_proof = offer.dialect == config::Dialect::kHixie76;
  Require(offer.proof.size() == (has_proof ? 16u : 0u) && (!has_proof || request.key3));
  // Names contain no characters that end a line or an element.
  Require(std::ranges::none_of(offer.subprotocols, [](std::string_view name) {
    return name.empty() || name.contains(',') || name != Trim(name) || !http::AreFieldChars(name);
  }));
}

void CheckAnswer(const Offer& offer, const std::vector<std::string>& served) {
  const auto chosen = ChooseSubprotocol(offer, served);
  const auto serves = [&](const std::string& offered) {
    return std::ranges::find(served, offered) != served.end();
  };
  const auto first = std::ranges::find_if(offer.subprotocols, serves);
  Require(chosen.has_value() == (first != offer.subprotocols.end()));
  if (chosen) Require(*chosen == *first && http::IsToken(*chosen));
  const http::Headers cors{{"Access-Control-Allow-Origin", "https://a.test"},
                           {"Access-Control-Allow-Headers", "x"}};
  const std::vector<http::Header> fields(cors.begin(), cors.end());
  const http::Response answer = Accept(offer, {.date = "now",
                                               .server = "upgate",
                                               .subprotocol = chosen.value_or(""),
                                               .cors = fields,
                                               .location = "ws://a.test/"});
  Require(answer.status == 101 && std::ranges::all_of(answer.headers, http::CanBeSent));
  const bool is75 = offer.dialect == config::Dialect::kHixie75;
  Require(answer.headers.Count(is75 ? "WebSocket-Protocol" : "Sec-WebSocket-Protocol") ==
          (chosen ? 1u : 0u));
  if (config::CarriesBinary(offer.dialect)) {
    Require(*answer.headers.Find("Sec-WebSocket-Accept") == AcceptKey(offer.key));
  } else {
    Require(answer.headers.Count("Sec-WebSocket-Accept") == 0);
    Require(answer.headers.Count(is75 ? "WebSocket-Location" : "Sec-WebSocket-Location") == 1);
  }
  Require(answer.body == offer.proof);
  Require(http::ResponseWriter::UpgradeHead(answer).ends_with("\r\n\r\n"));
}

}  // namespace
}  // namespace upgate::ws

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace upgate;
  fuzz::Input input(data, size);
  const std::vector<std::string> served[] = {{}, {"mqtt"}, {"chat", "mqtt", "binary"}};
  const std::uint8_t settings = input.Byte();
  const auto& serves = served[settings % 3];
  using enum config::Dialect;
  const auto spoken = settings < 128 ? config::DialectSet{kRfc6455}
                                     : config::DialectSet{kRfc6455, kHybi08, kHixie76, kHixie75};
  const auto request = fuzz::ParseRequest(input.Rest());
  if (!request) return 0;
  const auto offer = ws::ReadOffer(*request, spoken);
  if (!offer) {
    ws::CheckRefusal(offer.error());
    return 0;
  }
  upgate::fuzz::Require(spoken.Has(offer->dialect));
  ws::CheckOffer(*request, *offer);
  ws::CheckAnswer(*offer, serves);
  return 0;
}
