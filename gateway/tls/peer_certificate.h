#pragma once

#include <memory>

#include "gateway/io/stream.h"
#include "gateway/tls/openssl.h"

namespace upgate::tls {

// What is told about a peer's certificate; the caller has verified it. Names with control
// characters in them, and names of other kinds, are left out. nullptr if it cannot be encoded.
std::shared_ptr<const io::PeerCertificate> ReadPeerCertificate(const X509& certificate);

}  // namespace upgate::tls
