#include "gateway/backend/own_request.h"

#include <string>
#include <variant>

#include "gateway/base/host_name.h"
#include "gateway/base/text.h"

namespace upgate::backend {
namespace {

// `offer` is nullptr for a request that is not a handshake.
http::OutgoingRequest Make(const OwnRequest& request, const ws::Offer* offer) {
  http::Headers fields;
  fields.Add("Host", request.authority);
  if (!request.user_agent.empty()) fields.Add("User-Agent", request.user_agent);
  if (offer != nullptr) {
    fields.Add("Sec-WebSocket-Version", "13");
    fields.Add("Sec-WebSocket-Key", offer->key);
    ws::SetSubprotocols(*offer, fields);
  }
  for (const http::Header& header : request.headers) {
    if (EqualsIgnoreCase(header.name, "host") || EqualsIgnoreCase(header.name, "user-agent")) {
      fields.Set(header.name, header.value);
    } else {
      fields.Add(header.name, header.value);
    }
  }
  return {.method = "GET",
          .target = std::string(request.target),
          .headers = http::OutgoingFields(fields),
          .body = {},
          .upgrade = offer != nullptr ? "websocket" : ""};
}

}  // namespace

std::string AuthorityOf(const config::Server& server) {
  const auto* where = std::get_if<HostPort>(&server.address);
  if (where == nullptr) return "localhost";
  if (where->port != (config::IsSecure(server.scheme) ? 443 : 80)) return where->ToString();
  return HostInUrl(where->host);
}

http::OutgoingRequest MakeGet(const OwnRequest& request) {
  return Make(request, nullptr);
}

http::OutgoingRequest MakeHandshake(const OwnRequest& request, ws::Offer& offer,
                                    io::Entropy& entropy) {
  offer.key = ws::MakeKey(entropy);
  return Make(request, &offer);
}

}  // namespace upgate::backend
