#pragma once

#include <string>

#include "gateway/app/explain_lines.h"
#include "gateway/http/message.h"
#include "gateway/io/network.h"
#include "gateway/route/origin.h"
#include "gateway/upgrade/generation.h"

namespace upgate::app {

// What explain says about the authenticators of a route. They are asked only as far as that needs
// nobody else: see plugin::AuthCheck::Preview.

// Who is asked, and what becomes of a client that brings nothing. The route has `auth`.
void TellAuth(Lines& out, const upgrade::Generation& generation, const config::Route& route);

// What they make of a request. False, and the answer is told, if the client is not let in.
struct Visitor {
  const http::Request& request;
  const route::SeenAs& seen;
  std::string client;  // its address
  const io::TlsInfo* tls = nullptr;
};
bool TellCredential(Lines& out, const upgrade::Generation& generation, const config::Route& route,
                    const Visitor& visitor);

// The request as it goes on behind the authenticators of the route, if it has any.
http::Request WithoutCredential(const upgrade::Generation& generation, const config::Route& route,
                                const http::Request& request);

}  // namespace upgate::app
