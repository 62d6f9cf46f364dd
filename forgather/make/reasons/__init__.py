"""Why a task runs, or ran: reasons as data, down to the changed line."""
