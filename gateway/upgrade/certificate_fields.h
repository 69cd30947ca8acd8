#pragma once

#include "gateway/config/rewriting.h"
#include "gateway/http/field_changes.h"
#include "gateway/io/stream.h"

namespace upgate::upgrade {

// Adds the fields that tell a server about the client's certificate, in the forms that a route asks
// for, and drops what came under their names. `tls` is nullptr without TLS.
void AddCertificateFields(const config::ClientCertHeaders& wanted, const io::TlsInfo* tls,
                          http::FieldChanges& changes);

}  // namespace upgate::upgrade
