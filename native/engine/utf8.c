#include "utf8.h"

#include "spans.h"

/* Returns the bytes in UTF-8, surrogates like any other character. */
static size_t
encode_utf8(char *to, const Py_UCS4 *characters, Py_ssize_t count)
{
    unsigned char *at = (unsigned char *)to;
    for (Py_ssize_t next = 0; next < count; next++) {
        Py_UCS4 character = characters[next];
        if (character < 0x80) {
            *at++ = (unsigned char)character;
            continue;
        }
        if (character < 0x800) {
            *at++ = (unsigned char)(0xc0 | character >> 6);
        }
        else {
            if (character < 0x10000) {
                *at++ = (unsigned char)(0xe0 | character >> 12);
            }
            else {
                *at++ = (unsigned char)(0xf0 | character >> 18);
                *at++ = (unsigned char)(0x80 | (character >> 12 & 0x3f));
            }
            *at++ = (unsigned char)(0x80 | (character >> 6 & 0x3f));
        }
        *at++ = (unsigned char)(0x80 | (character & 0x3f));
    }
    return (size_t)(at - (unsigned char *)to);
}

int
utf8_copy(Utf8 *utf8, PyObject *text)
{
    Py_ssize_t length = PyUnicode_GetLength(text);
    utf8->owner = NULL;
    if (length <= SHORT_TEXT) {
        Py_UCS4 characters[SHORT_TEXT];
        if (length && PyUnicode_AsUCS4(text, characters, SHORT_TEXT, 0) == NULL) {
            return -1;
        }
        utf8->bytes = (Bytes){utf8->place, encode_utf8(utf8->place, characters, length)};
        return 0;
    }
    char *bytes;
    utf8->owner = PyUnicode_AsEncodedString(text, "utf-8", "surrogatepass");
    if (utf8->owner == NULL || PyBytes_AsStringAndSize(utf8->owner, &bytes, &length) < 0) {
        return -1;
    }
    utf8->bytes = (Bytes){bytes, (size_t)length};
    return 0;
}
