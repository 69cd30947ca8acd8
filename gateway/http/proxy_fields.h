#pragma once

#include <string_view>

namespace upgate::http {

// Whether two field names are one to servers that hand fields to programs as variables (CGI, RFC
// 3875, section 4.1.18, and its successors): case does not count, and whatever is no letter or
// digit, such as '_' for '-', is the same. `known`: in lower case, with '-'.
bool FoldsTo(std::string_view name, std::string_view known);

// Whether a field is one of those by which proxies say who a client is, what it has shown, and what
// it asked for before it was rewritten (X-Forwarded-*, Forwarded, X-Real-IP, X-SSL-*, SSL-Client-*,
// X-Client-Cert*, Client-Cert*, X-Original-*, X-Rewrite-*), in any spelling that FoldsTo takes for
// the same. Servers believe them, so that they are not for clients to set. All that the gateway
// itself says of a client is among them.
bool IsProxyField(std::string_view name);

}  // namespace upgate::http
