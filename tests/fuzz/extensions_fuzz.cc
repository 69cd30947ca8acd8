// Sec-WebSocket-Extensions and the parameters of permessage-deflate: parsed fields survive writing
// and parsing again, and both ends of a negotiation reach the same agreement. Input: four bytes for
// the wishes of the ends, the field of a client's request.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/http/chars.h"
#include "gateway/ws/deflate_parameters.h"
#include "gateway/ws/extensions.h"
#include "tests/fuzz/fuzz.h"

namespace upgate::ws {
namespace {

using fuzz::Require;

DeflateParameters TakeWishes(fuzz::Input& input) {
  const std::uint8_t flags = input.Byte();
  const std::uint8_t bits = input.Byte();
  return {.server_no_context_takeover = (flags & 1) != 0,
          .client_no_context_takeover = (flags & 2) != 0,
          .server_max_window_bits = static_cast<std::uint8_t>(8 + (bits & 7)),
          .client_max_window_bits = static_cast<std::uint8_t>(8 + (bits >> 3 & 7))};
}

std::string Written(const std::vector<Extension>& extensions) {
  std::string text;
  for (const Extension& extension : extensions) {
    text += (text.empty() ? "" : ", ") + extension.name;
    for (const auto& parameter : extension.parameters) {
      text += "; " + parameter.name;
      if (parameter.value) text += "=\"" + *parameter.value + "\"";
    }
  }
  return text;
}

void CheckGrammar(const std::vector<Extension>& extensions) {
  Require(extensions.size() <= 32);
  for (const Extension& extension : extensions) {
    Require(http::IsToken(extension.name) && extension.parameters.size() <= 32);
    for (const auto& parameter : extension.parameters) {
      Require(http::IsToken(parameter.name) &&
              (!parameter.value || http::IsToken(*parameter.value)));
    }
  }
  const std::string text = Written(extensions);
  const auto again = ParseExtensions(text);
  Require(again && Written(*again) == text);
}

std::optional<Extension> OnlyOne(std::string_view field) {
  const auto extensions = ParseExtensions(field);
  Require(extensions && extensions->size() == 1);
  return extensions->front();
}

// Neither end may get less than it requires.
void CheckAgreement(const DeflateAgreement& agreement, const DeflateParameters& wanted) {
  const DeflateParameters& agreed = agreement.parameters;
  Require(agreed.server_no_context_takeover >= wanted.server_no_context_takeover);
  Require(agreed.client_no_context_takeover >= wanted.client_no_context_takeover);
  Require(agreed.server_max_window_bits >= 8 &&
          agreed.server_max_window_bits <= wanted.server_max_window_bits);
  Require(agreed.client_max_window_bits >= 8 && agreed.client_max_window_bits <= 15);
  OnlyOne(agreement.answer);
}

void CheckNegotiation(const DeflateParameters& client, const DeflateParameters& server) {
  const auto agreement = AgreeOnDeflate(std::vector{*OnlyOne(DeflateOffer(client))}, server);
  Require(agreement.has_value());
  CheckAgreement(*agreement, server);
  const auto read = ReadDeflateAnswer(*OnlyOne(agreement->answer), client);
  Require(read.has_value());
  Require(read->server_no_context_takeover == agreement->parameters.server_no_context_takeover);
  Require(read->server_max_window_bits == agreement->parameters.server_max_window_bits);
  // A client may require less than the server offers.
  Require(read->client_no_context_takeover >= agreement->parameters.client_no_context_takeover);
  Require(read->client_max_window_bits <= agreement->parameters.client_max_window_bits);
}

}  // namespace
}  // namespace upgate::ws

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace upgate;
  fuzz::Input input(data, size);
  const ws::DeflateParameters client = ws::TakeWishes(input);
  const ws::DeflateParameters server = ws::TakeWishes(input);
  ws::CheckNegotiation(client, server);
  const auto extensions = ws::ParseExtensions(input.Rest());
  if (!extensions) return 0;
  ws::CheckGrammar(*extensions);
  if (const auto agreement = ws::AgreeOnDeflate(*extensions, server))
    ws::CheckAgreement(*agreement, server);
  for (const ws::Extension& extension : *extensions) {
    const auto read = ws::ReadDeflateAnswer(extension, client);
    if (!read) continue;
    fuzz::Require(read->server_max_window_bits >= 8 &&
                  read->server_max_window_bits <= client.server_max_window_bits);
    fuzz::Require(read->client_max_window_bits >= 8 &&
                  read->client_max_window_bits <= client.client_max_window_bits);
  }
  return 0;
}
