"""A month of a province, played through the services by invented people, on a clock of its own.

`province` makes the places and people, `course` plays what each does at each state, `month` turns the clock, `judge`
looks at the rows afterwards, by plain SQL.
"""
