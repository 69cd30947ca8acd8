#include "gateway/ws/deflate_parameters.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "gateway/base/text.h"

namespace upgate::ws {
namespace {

constexpr std::string_view kServerNoTakeover = "server_no_context_takeover";
constexpr std::string_view kClientNoTakeover = "client_no_context_takeover";
constexpr std::string_view kServerBits = "server_max_window_bits";
constexpr std::string_view kClientBits = "client_max_window_bits";

// The parameters of one element as they were sent.
struct Written {
  bool server_no_takeover = false;
  bool client_no_takeover = false;
  std::optional<std::uint8_t> server_bits;
  bool client_bits_named = false;
  std::optional<std::uint8_t> client_bits;
};

// 8 to 15, without leading zeros (section 7.1.2.1).
std::optional<std::uint8_t> ReadBits(const std::string& text) {
  for (std::uint8_t bits = 8; bits <= 15; ++bits) {
    if (text == std::to_string(bits)) return bits;
  }
  return {};
}

bool ReadFlag(const Extension::Parameter& parameter, bool& flag) {
  return !parameter.value && !std::exchange(flag, true);
}

bool ReadInto(const Extension::Parameter& parameter, Written& written) {
  if (EqualsIgnoreCase(parameter.name, kServerNoTakeover))
    return ReadFlag(parameter, written.server_no_takeover);
  if (EqualsIgnoreCase(parameter.name, kClientNoTakeover))
    return ReadFlag(parameter, written.client_no_takeover);
  if (EqualsIgnoreCase(parameter.name, kServerBits)) {
    if (written.server_bits || !parameter.value) return false;
    written.server_bits = ReadBits(*parameter.value);
    return written.server_bits.has_value();
  }
  if (EqualsIgnoreCase(parameter.name, kClientBits)) {
    if (std::exchange(written.client_bits_named, true)) return false;
    if (!parameter.value) return true;
    written.client_bits = ReadBits(*parameter.value);
    return written.client_bits.has_value();
  }
  return false;
}

std::optional<Written> Read(const Extension& extension) {
  Written written;
  if (!EqualsIgnoreCase(extension.name, kPermessageDeflate)) return {};
  if (!std::ranges::all_of(extension.parameters,
                           [&](const auto& p) { return ReadInto(p, written); }))
    return {};
  return written;
}

std::string WithBits(std::string_view name, std::uint8_t bits) {
  return std::string(name) + "=" + std::to_string(bits);
}

// A parameter from the offer must be repeated to be accepted, even with its default value (sections
// 7.1.1.1 and 7.1.2.1).
std::string Answer(const DeflateParameters& agreed, bool name_server_bits) {
  std::vector<std::string> parameters{std::string(kPermessageDeflate)};
  if (agreed.server_no_context_takeover) parameters.emplace_back(kServerNoTakeover);
  if (agreed.client_no_context_takeover) parameters.emplace_back(kClientNoTakeover);
  if (name_server_bits) parameters.push_back(WithBits(kServerBits, agreed.server_max_window_bits));
  if (agreed.client_max_window_bits != 15)
    parameters.push_back(WithBits(kClientBits, agreed.client_max_window_bits));
  return Join(parameters, "; ");
}

}  // namespace

std::optional<DeflateAgreement> AgreeOnDeflate(std::span<const Extension> offers,
                                               const DeflateParameters& wanted) {
  for (const Extension& extension : offers) {
    const auto offer = Read(extension);
    if (!offer) continue;
    DeflateParameters agreed{.server_no_context_takeover =
                                 wanted.server_no_context_takeover || offer->server_no_takeover,
                             .client_no_context_takeover =
                                 wanted.client_no_context_takeover || offer->client_no_takeover,
                             .server_max_window_bits = std::min(wanted.server_max_window_bits,
                                                                offer->server_bits.value_or(15))};
    if (offer->client_bits_named) {
      agreed.client_max_window_bits =
          std::min(wanted.client_max_window_bits, offer->client_bits.value_or(15));
    }
    return DeflateAgreement{
        agreed, Answer(agreed, offer->server_bits || agreed.server_max_window_bits != 15)};
  }
  return {};
}

std::string DeflateOffer(const DeflateParameters& wanted) {
  std::vector<std::string> parameters{std::string(kPermessageDeflate)};
  if (wanted.server_no_context_takeover) parameters.emplace_back(kServerNoTakeover);
  if (wanted.client_no_context_takeover) parameters.emplace_back(kClientNoTakeover);
  if (wanted.server_max_window_bits != 15)
    parameters.push_back(WithBits(kServerBits, wanted.server_max_window_bits));
  parameters.push_back(wanted.client_max_window_bits == 15
                           ? std::string(kClientBits)
                           : WithBits(kClientBits, wanted.client_max_window_bits));
  return Join(parameters, "; ");
}

std::optional<DeflateParameters> ReadDeflateAnswer(const Extension& answer,
                                                   const DeflateParameters& wanted) {
  const auto written = Read(answer);
  if (!written) return {};
  if (written->client_bits_named && !written->client_bits)
    return {};  // a response must have a value (section 7.1.2.2)
  if (wanted.server_no_context_takeover && !written->server_no_takeover) return {};
  const std::uint8_t server_bits = written->server_bits.value_or(15);
  const std::uint8_t client_bits = written->client_bits.value_or(wanted.client_max_window_bits);
  if (server_bits > wanted.server_max_window_bits || client_bits > wanted.client_max_window_bits)
    return {};
  return DeflateParameters{.server_no_context_takeover = written->server_no_takeover,
                           .client_no_context_takeover =
                               wanted.client_no_context_takeover || written->client_no_takeover,
                           .server_max_window_bits = server_bits,
                           .client_max_window_bits = client_bits};
}

}  // namespace upgate::ws
