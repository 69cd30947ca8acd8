#pragma once

#include <memory>
#include <string>
#include <variant>

#include "gateway/backend/server.h"
#include "gateway/base/address.h"
#include "gateway/tls/context.h"

namespace upgate::app {

// A backend of one server, for a command that speaks to it and has a timeout of its own. `name`
// stands for the server in messages. `tls` is nullptr for a connection without TLS.
std::shared_ptr<const backend::BackendRecord> OneServer(
    const std::variant<HostPort, UnixPath>& address, std::string name,
    std::shared_ptr<tls::ClientContext> tls);

}  // namespace upgate::app
