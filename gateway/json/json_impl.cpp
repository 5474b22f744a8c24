// Boost.JSON is compiled once, here; others include <boost/json.hpp> only.
#include <boost/json/src.hpp>
