// The opening handshake: whatever a request holds, it is an offer that keeps the rules or a refusal
// that can be sent, and the answer to an offer is a 101 that its client would take. Input: a byte
// for what the route serves, the request.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/base64.h"
#include "gateway/http/body_writer.h"
#include "gateway/http/response_writer.h"
#include "gateway/ws/handshake.h"
#include "gateway/ws/token.h"
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

void CheckOffer(const http::Request& request, const Offer& offer) {
  Require(request.method == "GET" && request.version == http::Version::kHttp11 &&
          !request.has_body);
  Require(request.UpgradesTo("websocket"));
  const auto key = Base64Decode(offer.key);
  Require(key && key->size() == 16);
  std::vector<std::string> sorted = offer.subprotocols;
  std::ranges::sort(sorted);
  Require(std::ranges::adjacent_find(sorted) == sorted.end() &&
          std::ranges::all_of(sorted, IsToken));
}

void CheckAnswer(const Offer& offer, const std::vector<std::string>& served) {
  const auto chosen = ChooseSubprotocol(offer, served);
  const auto serves = [&](const std::string& offered) {
    return std::ranges::find(served, offered) != served.end();
  };
  const auto first = std::ranges::find_if(offer.subprotocols, serves);
  Require(chosen.has_value() == (first != offer.subprotocols.end()));
  if (chosen) Require(*chosen == *first);
  const http::Headers cors{{"Access-Control-Allow-Origin", "https://a.test"},
                           {"Access-Control-Allow-Headers", "x"}};
  const std::vector<http::Header> fields(cors.begin(), cors.end());
  const http::Response answer = Accept(
      offer,
      {.date = "now", .server = "upgate", .subprotocol = chosen.value_or(""), .cors = fields});
  Require(answer.status == 101 && std::ranges::all_of(answer.headers, http::CanBeSent));
  Require(*answer.headers.Find("Sec-WebSocket-Accept") == AcceptKey(offer.key));
  Require(answer.headers.Count("Sec-WebSocket-Protocol") == (chosen ? 1u : 0u));
  Require(http::ResponseWriter::UpgradeHead(answer).ends_with("\r\n\r\n"));
}

}  // namespace
}  // namespace upgate::ws

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace upgate;
  fuzz::Input input(data, size);
  const std::vector<std::string> served[] = {{}, {"mqtt"}, {"chat", "mqtt", "binary"}};
  const auto& serves = served[input.Choose(3)];
  const auto request = fuzz::ParseRequest(input.Rest());
  if (!request) return 0;
  const auto offer = ws::ReadOffer(*request);
  if (!offer) {
    ws::CheckRefusal(offer.error());
    return 0;
  }
  ws::CheckOffer(*request, *offer);
  ws::CheckAnswer(*offer, serves);
  return 0;
}
