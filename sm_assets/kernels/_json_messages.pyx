# Lines of a persona export out of Arrow columns (json_messages.hpp). Checks live in json_messages.py.
from libc.stdint cimport int64_t, uint8_t
from libcpp.string cimport string
from libcpp.vector cimport vector

from sm_assets.kernels._strings cimport StringColumn, string_view, view


cdef extern from "json_messages.hpp" namespace "sma" nogil:
    void append_message(string&, string_view, string_view, int64_t)
    void append_action(string&, string_view, string_view, int64_t, string_view)
    vector[string] spelled_actions(const vector[string]&)


def chain_lines(object users, object texts, const int64_t[::1] at, const uint8_t[::1] begins):
    """One line for each run of messages; `begins` is set where one begins."""
    cdef StringColumn user = view(users)
    cdef StringColumn text = view(texts)
    cdef string out
    cdef int64_t i, n = at.shape[0]
    with nogil:
        out.reserve(256 * n)
        for i in range(n):
            out.append(b"[" if begins[i] else b", ")
            append_message(out, user.text(i), text.text(i), at[i])
            if i + 1 == n or begins[i + 1]:
                out.append(b"]\n")
    return out.data()[: out.size()]


def action_lines(
    list names,
    object content_users,
    object content_texts,
    const int64_t[::1] content_at,
    object users,
    const uint8_t[::1] actions,
    const int64_t[::1] at,
    object texts,
):
    """One line per action: the message that it is about, and what was done."""
    cdef StringColumn content_user = view(content_users)
    cdef StringColumn content_text = view(content_texts)
    cdef StringColumn user = view(users)
    cdef StringColumn text = view(texts)
    cdef vector[string] spelled = spelled_actions(names)
    cdef string out
    cdef int64_t i
    with nogil:
        out.reserve(640 * at.shape[0])
        for i in range(at.shape[0]):
            out.append(b"[")
            append_message(out, content_user.text(i), content_text.text(i), content_at[i])
            out.append(b", ")
            append_action(
                out,
                user.text(i),
                string_view(spelled[actions[i]].data(), spelled[actions[i]].size()),
                at[i],
                text.text(i),
            )
            out.append(b"]\n")
    return out.data()[: out.size()]
