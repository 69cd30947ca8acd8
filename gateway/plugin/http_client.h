#pragma once

// The client side of HTTP/1.1, for plugins that ask an HTTP server: see http::ClientConnection. The
// connection comes from a Dialer.
#include "gateway/http/client_connection.h"
#include "gateway/tls/context.h"
