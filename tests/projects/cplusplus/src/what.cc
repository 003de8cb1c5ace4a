#include <stdexcept>
#include <string>

extern "C" int length_of_what(int number) {
    try {
        throw std::runtime_error("number is " + std::to_string(number));
    } catch (const std::exception &error) {
        return static_cast<int>(std::string(error.what()).size());
    }
}
