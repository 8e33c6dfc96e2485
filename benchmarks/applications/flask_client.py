"""Flask: requests to a small application by its test client, with sessions, forms and JSON."""

import sys

from flask import Flask, abort, jsonify, redirect, render_template_string, request, session, url_for

PAGE = """<ul>{% for name, pieces in stock.items() %}<li><a href="{{ url_for('part', name=name) }}">
{{ name }}</a>: {{ pieces }}</li>{% endfor %}</ul>{{ session.get('user', 'nobody') }}"""

app = Flask(__name__)
app.secret_key = "for a test"
stock = {f"part{number}": number for number in range(8)}


@app.before_request
def count_requests() -> None:
    session["requests"] = session.get("requests", 0) + 1


@app.get("/")
def index() -> str:
    return render_template_string(PAGE, stock=stock)


@app.get("/part/<name>")
def part(name: str):
    if name not in stock:
        abort(404)
    return jsonify(name=name, pieces=stock[name], user=session.get("user"))


@app.post("/order")
def order():
    stock[request.form["name"]] -= int(request.form["pieces"])
    session["user"] = request.form["user"]
    return redirect(url_for("index"))


@app.errorhandler(404)
def missing(error):
    return jsonify(error=error.name), 404


def main(rounds: int) -> None:
    client = app.test_client()
    length = 0
    for number in range(rounds):
        form = {"name": f"part{number % 8}", "pieces": "1", "user": f"user{number}"}
        answers = [
            client.get("/"),
            client.get(f"/part/part{number % 10}"),
            client.post("/order", data=form),
            client.get("/part/part3?verbose=1", headers={"Accept": "application/json"}),
        ]
        length += sum(len(answer.data) + answer.status_code for answer in answers)
    print("flask", rounds, length)


if __name__ == "__main__":
    main(int(sys.argv[1]))
