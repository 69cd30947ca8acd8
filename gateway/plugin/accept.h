#pragma once

// For services that choose among forms of an answer: what clients accept (RFC 9110, section 12).
#include "gateway/http/weights.h"
