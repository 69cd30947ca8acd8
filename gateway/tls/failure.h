#pragma once

#include <string>

#include "gateway/base/result.h"
#include "gateway/tls/openssl.h"

namespace upgate::tls {

// The error of OpenSSL's last call, from this thread's error queue, which is then cleared.
// `established`: the handshake was complete. kTls during the handshake; after it kReset for an
// alert from the peer and kProtocol for errors found on this side.
Error TakeFailure(bool established);

// True if the first entry of this thread's error queue, which is not changed, says that the peer
// sent an HTTP request instead of a handshake.
bool IsPlainHttp();

// OpenSSL's message for the first entry of this thread's error queue, which is then cleared.
std::string TakeReason();

// For SSL_CTX_set_verify: rejects what OpenSSL rejects, and gives the Engine a reason that users
// can act on.
int OnVerify(int accepted, X509_STORE_CTX* store);

// "CN=alice,O=Example" (RFC 4514).
std::string TextOf(const X509_NAME& name);
std::string SubjectOf(const X509& certificate);
// Its common name as UTF-8, the last if there are several; empty if there is none or it has control
// characters.
std::string CommonNameOf(const X509& certificate);

}  // namespace upgate::tls
