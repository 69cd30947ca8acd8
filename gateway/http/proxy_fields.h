#pragma once

#include <string>
#include <string_view>

namespace upgate::http {

// True if servers that pass fields to programs as variables (CGI, RFC 3875, section 4.1.18, and its
// successors) cannot tell the two names apart: case is ignored, and all characters other than
// letters and digits are equal, such as '_' and '-'. `known`: in lower case, with '-'.
bool EqualsAsVariable(std::string_view name, std::string_view known);

// A name in the form of `known`.
std::string AsVariable(std::string_view name);

// True for fields by which proxies describe a client: its address, its certificate, or the request
// before a rewrite (X-Forwarded-*, Forwarded, X-Real-IP, X-SSL-*, SSL-Client-*, X-Client-Cert*,
// Client-Cert*, X-Original-*, X-Rewrite-*), in any spelling that EqualsAsVariable considers equal.
// Servers trust them, so clients must not be able to set them. All fields that the gateway sets
// about a client are among them.
bool IsProxyField(std::string_view name);

}  // namespace upgate::http
