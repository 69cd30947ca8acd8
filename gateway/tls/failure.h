#pragma once

#include <string>

#include "gateway/base/result.h"
#include "gateway/tls/openssl.h"

namespace upgate::tls {

// Why OpenSSL's last call failed, from this thread's error queue, which is empty afterwards.
// `established`: the handshake was over. kTls in the handshake; after it kReset for an alert of the
// peer and kProtocol for what we refuse.
Error TakeFailure(bool established);

// Whether this thread's error queue, which stays as it is, says that the peer sent an HTTP request
// instead of a handshake.
bool IsPlainHttp();

// OpenSSL's own words for the first entry of this thread's error queue, which is empty afterwards.
std::string TakeReason();

// For SSL_CTX_set_verify: refuses what OpenSSL refuses, and tells the Engine why in words that a
// reader can act on.
int OnVerify(int accepted, X509_STORE_CTX* store);

// "CN=alice,O=Example" (RFC 2253).
std::string SubjectOf(const X509& certificate);

}  // namespace upgate::tls
