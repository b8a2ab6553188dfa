"""What runs inside the sandbox's own interpreter, on the standard library alone.

The server is started as `inside`, without the rest of the package: nothing here may import
anything else of Koderz, and the modules import each other relatively, so that they work under
both names.
"""
