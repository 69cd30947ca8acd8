#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/tls/verify_key.h"

namespace upgate::tls {

// The public keys in a text of one or several PEM blocks "PUBLIC KEY" (RFC 7468, section 13), for
// VerifyKey::OfJwk; text between the blocks means nothing. Other blocks are errors, private keys
// above all, which whoever only verifies should not have. The error is a clause about the text and
// repeats nothing of it.
std::expected<std::vector<JwkParts>, std::string> JwksOfPem(std::string_view text);

}  // namespace upgate::tls
