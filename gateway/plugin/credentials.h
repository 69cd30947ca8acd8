#pragma once

// For authenticators: where credentials stand in requests, and what checks them.
#include "gateway/http/cookies.h"
#include "gateway/http/message.h"
#include "gateway/tls/digest.h"
#include "gateway/tls/mac.h"
#include "gateway/tls/pem_key.h"
#include "gateway/tls/verify_key.h"
