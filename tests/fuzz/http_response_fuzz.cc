// The client side of HTTP/1.1: a response is parsed the same however it is split, is reported once
// and in order, and the connection is reused only if nothing is left on it. Input: a byte of
// settings (the request, the limits), a seed for the splits, the output of the server. If the
// connection can be reused after a response, the same request is sent again.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/http/client_wire.h"

namespace upgate::http {
namespace {

using fuzz::Require;

constexpr std::size_t kMostRequests = 4;

struct Settings {
  OutgoingRequest request;
  bool small = false;  // small limits
  bool fin = false;    // the server sends a FIN after its bytes
};

OutgoingRequest RequestFor(std::size_t choice) {
  switch (choice) {
    case 0:
      return Get();
    case 1:
      return Head();
    case 2:
      return Post(4);
    default:
      return UpgradeTo("websocket");
  }
}

// A response as text: everything its reader is told.
std::string Describe(const Told& told) {
  std::string text;
  const auto add = [&](const Response& head) {
    text += std::to_string(head.status) + " " + head.reason + "\n";
    for (const Header& header : head.headers) text += header.name + ": " + header.value + "\n";
  };
  for (const Response& interim : told.interims) add(interim);
  if (told.head) add(*told.head);
  text += told.length.bytes ? "length " + std::to_string(*told.length.bytes) : "no length";
  text += "\n[" + told.body + "]\n";
  for (const Header& header : told.trailers) text += header.name + ": " + header.value + "\n";
  if (told.upgrade_head) add(*told.upgrade_head);
  if (told.failed)
    text += "failed, " + std::string(told.untouched ? "untouched" : "touched") + "\n";
  return text + (told.ended ? "ended" : "not ended");
}

struct Outcome {
  std::vector<std::string> answers;
  std::optional<std::string> upgraded;  // the bytes after the 101
};

void CheckTold(const Told& told, const Settings& settings) {
  if (told.ended && told.length.bytes) Require(told.body.size() == *told.length.bytes);
  if (told.head) Require(told.head->status >= 200 && told.head->status <= 999);
  if (told.head && settings.request.method == "HEAD") Require(told.body.empty());
  if (told.upgrade_head)
    Require(!settings.request.upgrade.empty() && told.upgrade_head->status == 101);
  if (told.untouched) Require(told.interims.empty() && !told.head);
}

void Send(ClientWire& wire, const OutgoingRequest& request) {
  wire.Send(request);
  if (!request.has_body) return;
  wire.SendBody("data");
  wire.EndBody();
}

Outcome Ask(const Settings& settings, std::string_view bytes, fuzz::Cuts cuts) {
  ClientLimits limits;
  if (settings.small) limits = {.head_bytes = 256, .header_count = 6, .interim_count = 2};
  ClientWire wire(io::kReadBufferSize, limits);
  std::size_t requests = 1;
  wire.on_end = [&] {
    if (requests == kMostRequests || !wire.reusable()) return;
    ++requests;
    Send(wire, settings.request);
  };
  Send(wire, settings.request);
  wire.Run();
  while (!bytes.empty()) wire.Answer(cuts.TakeFrom(bytes));
  if (settings.fin) wire.Fin();
  Outcome outcome;
  for (std::size_t i = 0; i < requests; ++i) {
    const Told& told = wire.told(i);
    CheckTold(told, settings);
    outcome.answers.push_back(Describe(told));
    if (i == 0 && told.upgraded) {
      outcome.upgraded =
          told.upgraded->early + wire.wire().inbound.substr(wire.wire().inbound_read);
    }
  }
  return outcome;
}

}  // namespace
}  // namespace upgate::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace upgate;
  fuzz::Input input(data, size);
  const std::uint8_t flags = input.Byte();
  const std::uint32_t cut = input.Byte() + 1u;
  const http::Settings settings{
      .request = http::RequestFor(flags & 3), .small = (flags & 4) != 0, .fin = (flags & 8) != 0};
  const std::string_view bytes = input.Rest();
  const http::Outcome whole = http::Ask(settings, bytes, fuzz::Cuts(0));
  const http::Outcome pieces = http::Ask(settings, bytes, fuzz::Cuts(cut));
  fuzz::Require(whole.answers[0] == pieces.answers[0] && whole.upgraded == pieces.upgraded);
  // Bytes that arrive together with the end of a response prevent reuse of the connection; later
  // ones may belong to the next response.
  fuzz::Require(whole.answers.size() <= pieces.answers.size());
  return 0;
}
